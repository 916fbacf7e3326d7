package ident

import "time"

// process is the Generator of NewV7 and V7At. It is a package variable because its promise is for the whole process:
// independent callers get values in order.
var process Generator //nolint:gochecknoglobals // see above

// NewV7 returns a UUID of version 7 with the current time. Each value is greater than all earlier values of NewV7 and
// NewV7As in this process, in every goroutine and even if the clock is set back. See Generator.NewV7.
func NewV7() UUID { return process.NewV7() }

// NewV7As is NewV7 for another package's UUID type. It can be passed as a function: ident.NewV7As[uuid.UUID].
func NewV7As[T ~[16]byte]() T { return T(process.NewV7()) }

// V7At returns a UUID of version 7 with the time t. See Generator.V7At. Use a Generator of your own if several
// goroutines call V7At and values with equal times must be in the order of your calls.
func V7At(t time.Time) UUID { return process.V7At(t) }
