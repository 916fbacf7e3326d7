package ident

import "time"

// process is the one Generator behind NewV7 and V7At. It is a variable of the package because what it
// promises is of the process: two callers who know nothing of each other get values in order.
var process Generator //nolint:gochecknoglobals // see above

// NewV7 makes a UUID of version 7 of the present moment. Each is greater than every other one that
// NewV7 and NewV7As have made in this process, also when the clock is set back, and whichever
// goroutine asks. See Generator.NewV7.
func NewV7() UUID { return process.NewV7() }

// NewV7As is NewV7 as another package's UUID. It is what to give where a function is wanted:
// ident.NewV7As[uuid.UUID].
func NewV7As[T ~[16]byte]() T { return T(process.NewV7()) }

// V7At makes a UUID of version 7 of the moment t. See Generator.V7At, and use a Generator of your own
// where several goroutines make them and equal times are to keep the order of your calls.
func V7At(t time.Time) UUID { return process.V7At(t) }
