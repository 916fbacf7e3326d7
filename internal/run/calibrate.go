package run

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/forecast"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/processor.sql
var processorSQL string

// The limits of a calibration. It only reads.
const (
	calibrationTime  = 2 * time.Second // in all
	processorRounds  = 3
	processorNumbers = 20_000 // numbers that the query of the processor hashes
	calibratedPages  = 64     // at each place
	calibratedPlaces = 8      // of the largest table
	calibratedTrips  = 5
)

// calibrate measures how fast the server is: its processor, by a query without a table; the way to it; and its disk, by some pages
// of the largest table that the run may read. A measurement that fails leaves the speed as it is.
func calibrate(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, tables []*catalog.Table) forecast.Speed {
	ctx, cancel := context.WithTimeout(ctx, calibrationTime)
	defer cancel()
	speed := forecast.Speed{Processor: 1}
	settings := pg.Settings{ReadOnly: true, Lock: calibrationTime / 4, Statement: calibrationTime / 2, Idle: calibrationTime}
	err := pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
		for i := range calibratedTrips {
			took, err := timed(ctx, tx, "SELECT 1")
			if err != nil {
				return err
			}
			if i == 0 || took < speed.Trip {
				speed.Trip = took
			}
		}
		var best time.Duration
		for i := range processorRounds {
			took, err := timed(ctx, tx, processorSQL, processorNumbers)
			if err != nil {
				return err
			}
			if i == 0 || took < best {
				best = took
			}
		}
		speed.Measure(max(best-speed.Trip, 0) / processorNumbers)
		return nil
	})
	if err != nil {
		return speed
	}
	if t := readable(server, tables); t != nil {
		_ = pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
			speed.Page, err = coldPage(ctx, tx, *t)
			return err
		})
	}
	return speed
}

// readable returns the largest table whose pages may be read by their position: reading it runs no code of owners with
// fewer rights.
func readable(server catalog.Server, tables []*catalog.Table) (largest *catalog.Table) {
	const tidRanges = 14 // the first version that reads a range of pages without the rest
	if server.Major() < tidRanges {
		return nil
	}
	for _, t := range tables {
		if t.Owned && !t.RowSecurity && guard.Reading(server, t) == nil && t.Pages > calibratedPages*calibratedPlaces && (largest == nil || t.Pages > largest.Pages) {
			largest = t
		}
	}
	return largest
}

// coldPage returns how much longer the first read of a page takes than the second: the disk's part.
func coldPage(ctx context.Context, tx pg.Tx, t catalog.Table) (time.Duration, error) {
	var extra time.Duration
	name := t.Named()
	name.Only = true
	for place := range int64(calibratedPlaces) {
		from := t.Pages * (2*place + 1) / (2 * calibratedPlaces)
		query := sqltext.Format("SELECT count(*) FROM {} WHERE ctid >= {}::tid AND ctid < {}::tid", name,
			sqltext.Value(fmt.Sprintf("(%d,0)", from)), sqltext.Value(fmt.Sprintf("(%d,0)", from+calibratedPages)))
		first, err := timed(ctx, tx, query)
		if err != nil {
			return 0, err
		}
		second, err := timed(ctx, tx, query)
		if err != nil {
			return 0, err
		}
		extra += max(first-second, 0)
	}
	return extra / (calibratedPages * calibratedPlaces), nil
}

func timed(ctx context.Context, tx pg.Tx, sql string, args ...any) (time.Duration, error) {
	var ignored any
	start := time.Now()
	err := tx.QueryRow(ctx, sql, args...).Scan(&ignored)
	return time.Since(start), err
}
