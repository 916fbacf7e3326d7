package order

// Lender gives rows without a time the instant of the row before them by key. It is told of a table's
// rows in the order of their keys.
type Carrier struct {
	Scale Scale
	Last  Instant // of the last row that had a time
	Known bool    // whether there was one
}

// At gives the instant at which a row stands. Without a time, and without a row before it that had one,
// ok is false: it has to wait for the first that has.
func (l *Carrier) InstantOf(at Instant, null bool) (instant Instant, adjusted Adjustment, ok bool) {
	if null {
		return l.Last, Carried, l.Known
	}
	instant, adjusted = l.Scale.Clamp(at)
	l.Last, l.Known = instant, true
	return instant, adjusted, true
}
