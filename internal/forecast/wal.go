package forecast

import (
	"math"
	"time"
)

// Bytes of WAL, from the layout of the records. Each record has a header of 24 bytes, and refers to a page with 20.
const (
	lockRecord   = 54  // FOR NO KEY UPDATE of a row
	stayRecord   = 96  // a heap-only update: what differs between both versions
	moveRecord   = 104 // an update that moves a row to another page, without the row
	entryRecord  = 64  // an index entry, without the entry
	pruneRecord  = 60  // a page from which dead versions are removed
	pruneRow     = 4   // each of its rows
	pageRecord   = 60  // a full image of a page, without the page
	commitRecord = 100
	indexShare   = 0.9 // of an index page that its image has: the rest is free
	compressed   = 0.5 // of a full image, with wal_compression
)

// wal adds up the WAL of a group.
type wal struct {
	records float64 // bytes that do not depend on checkpoints
	images  float64 // bytes of full images that are written once, however many checkpoints there are
	again   float64 // bytes of those that an earlier group has written, if there was no checkpoint in between
	region  float64 // bytes of full images of the pages that are in work at the same time
	index   []touched
}

// touched is an index with new entries on many pages.
type touched struct{ pages, entries float64 }

// fill adds the WAL of a filling.
func (w *wal) fill(t *table, f Fill, stayed, moved, wider float64, s Server) {
	if t.Unlogged {
		return
	}
	rows, pages := stayed+moved, max(t.Pages, 1)
	visits := float64(len(f.Bounds))
	pages *= min(rows/max(t.Rows, 1), 1) // an interrupted run has filled the other pages
	w.records += rows*(lockRecord+pruneRow) + stayed*stayRecord + moved*(moveRecord+wider) + pages*visits*pruneRecord
	if s.Logical {
		w.records += stayed * wider
		if t.OldRow {
			w.records += rows * t.Width
		}
	}
	image := pageSize - max(t.Free, 0) + pageRecord
	if t.imaged {
		w.again += pages * image
	} else {
		w.images += pages * image
	}
	w.region += min(f.Region*workers, pages) * image / 2 // on average a checkpoint comes in the middle
	for _, i := range t.Indexes {
		w.records += moved * (entryRecord + align(i.Entry))
		leaves := i.Bytes / pageSize
		touch := leaves * (1 - math.Exp(-moved/max(leaves, 1)))
		if i.Scattered {
			w.index = append(w.index, touched{leaves, moved})
		} else {
			w.images += touch * (pageSize*indexShare + pageRecord)
		}
	}
	t.imaged = true
}

// build adds the WAL of an index build, which writes each page in full.
func (w *wal) build(bytes float64) {
	w.records += bytes * (1 + pageRecord/float64(pageSize))
}

// total returns the bytes of WAL, and the number of checkpoints that they cause.
func (w *wal) total(s Server, took time.Duration) (bytes int64, checkpoints float64) {
	share := 1.
	if !s.FullPages {
		share = 0
	} else if s.Compressed {
		share = compressed
	}
	byTime := 0.
	if s.Checkpoint > 0 {
		byTime = took.Seconds() / s.Checkpoint.Seconds()
	}
	all := w.records + w.images*share
	for range 20 { // more WAL causes more checkpoints, and they more WAL
		checkpoints = max(byTime, all/s.interval())
		all = w.records + share*(w.images+w.again*min(checkpoints, 1)+w.region*checkpoints+w.scattered(checkpoints))
	}
	return int64(all), checkpoints
}

// scattered returns the bytes of full images of index pages: between two checkpoints each changed page is written once.
func (w *wal) scattered(checkpoints float64) (bytes float64) {
	rounds := 1 + checkpoints
	for _, i := range w.index {
		each := i.pages * (1 - math.Exp(-i.entries/rounds/max(i.pages, 1)))
		bytes += rounds * each * (pageSize*indexShare + pageRecord)
	}
	return bytes
}

// interval returns how many bytes of WAL cause a checkpoint.
func (s Server) interval() float64 {
	return max(float64(s.MaxWAL)/(1+s.Completion), float64(max(s.Segment, 1)))
}
