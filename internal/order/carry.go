package order

// Carrier carries instants forward to rows without a time: such a row gets the instant of the nearest row before it by
// key that has one. Its caller passes a table's rows in the order of their keys.
type Carrier struct {
	Scale Scale
	Last  Instant // of the last row with a time
	Known bool    // Last is set
}

// InstantOf returns the instant of the next row and how it was derived. ok is false for a row without a time that no row
// with one precedes.
func (l *Carrier) InstantOf(at Instant, null bool) (instant Instant, adjusted Adjustment, ok bool) {
	if null {
		return l.Last, Carried, l.Known
	}
	instant, adjusted = l.Scale.Clamp(at)
	l.Last, l.Known = instant, true
	return instant, adjusted, true
}
