package step

// IndexTwin is an index that holds the child's uuid column in place of the integer one.
type IndexTwin struct {
	Of   string // name of the index that it copies
	Name string
	// Unique says that the twin is unique, and Deferrable that it is a DEFERRABLE constraint, which cannot end the
	// application's INSERT .. ON CONFLICT with an error.
	Unique, Deferrable bool
	// Definition is the part of CREATE INDEX from USING on.
	Definition string
}
