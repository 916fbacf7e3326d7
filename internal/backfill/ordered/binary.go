package ordered

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/order"
)

// serverEpoch is 2000-01-01, from which the server counts, in microseconds since 1970-01-01.
const serverEpoch = 946_684_800_000_000

// parseInstant parses a time in the binary format: microseconds in eight bytes, or days in four bytes, since 2000.
func parseInstant(field []byte) (raw int64, at order.Instant) {
	if len(field) == 4 {
		days := int32(binary.BigEndian.Uint32(field))
		switch days {
		case math.MaxInt32:
			return int64(days), order.Infinity
		case math.MinInt32:
			return int64(days), order.NegInfinity
		}
		return int64(days), order.Instant(int64(days)*order.Day + serverEpoch)
	}
	raw = int64(binary.BigEndian.Uint64(field))
	switch {
	case raw == math.MinInt64:
		return raw, order.NegInfinity
	case raw > math.MaxInt64-serverEpoch:
		return raw, order.Infinity
	}
	return raw, order.Instant(raw + serverEpoch)
}

// rowFields is the number of fields that row.parse reads. The fields of the key follow.
const rowFields = 4

// Lengths in the binary format; of an array, the length without elements.
const uuidBytes, tidBytes, xidBytes, arrayBytes = 16, 6, 4, 20

// parse parses a row of rowSQL.read in the binary format.
func (r *row) parse(fields [][]byte, horizon uint32) error {
	if len(fields[2]) != tidBytes || len(fields[3]) != xidBytes {
		return fmt.Errorf("the ctid has %d bytes and xmin has %d bytes", len(fields[2]), len(fields[3]))
	}
	*r = row{null: fields[0] == nil, filled: fields[1] != nil}
	if !r.null {
		r.raw, r.instant = parseInstant(fields[0])
	}
	if len(fields[1]) == uuidBytes {
		r.value, r.v7 = order.FromUUID([uuidBytes]byte(fields[1]))
	}
	r.address = uint64(binary.BigEndian.Uint32(fields[2]))<<16 | uint64(binary.BigEndian.Uint16(fields[2][4:]))
	r.unchanged = precedes(binary.BigEndian.Uint32(fields[3]), horizon)
	return nil
}

// precedes reports whether a transaction precedes another. Transaction IDs compare modulo 2^32; those below 3 precede all.
func precedes(xid, horizon uint32) bool {
	const firstNormal = 3
	return xid < firstNormal || int32(xid-horizon) < 0
}

// appendArrayHeader appends the header of an array in the binary format: one dimension, lower bound 1.
func appendArrayHeader(dst []byte, element uint32, length int) []byte {
	for _, n := range []uint32{1, 1, element, uint32(length), 1} {
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	return dst
}

func appendInt8(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), uint64(n))
}

// timesAndValues encodes the first two parameters of rowSQL.write. The keys follow.
func timesAndValues(rows []row, kind order.Kind) [][]byte {
	types := map[order.Kind]uint32{
		order.Timestamp: pgtype.TimestampOID, order.Timestamptz: pgtype.TimestamptzOID, order.Date: pgtype.DateOID,
	}
	times := appendArrayHeader(make([]byte, 0, arrayBytes+12*len(rows)), types[kind], len(rows))
	values := appendArrayHeader(make([]byte, 0, arrayBytes+20*len(rows)), pgtype.UUIDOID, len(rows))
	binary.BigEndian.PutUint32(times[4:], 1) // the array may contain NULL
	for i := range rows {
		r := &rows[i]
		switch {
		case r.null:
			times = binary.BigEndian.AppendUint32(times, math.MaxUint32)
		case kind == order.Date:
			times = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(times, 4), uint32(int32(r.raw)))
		default:
			times = appendInt8(times, r.raw)
		}
		u := r.value.UUID()
		values = append(binary.BigEndian.AppendUint32(values, 16), u[:]...)
	}
	return [][]byte{times, values}
}
