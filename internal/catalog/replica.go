package catalog

// Replica describes a standby, read on a connection to it.
type Replica struct {
	Name       string // host:port
	Fault      string // why it could not be read; the other fields are not set then
	Recovering bool   // pg_is_in_recovery()
	Mismatch   string // how it is seen that it follows another server, or is another database; "" if it is not
	// The settings there, in milliseconds; -1 is without an end.
	StreamingDelay int // max_standby_streaming_delay
	ArchiveDelay   int // max_standby_archive_delay
	ApplyDelay     int // recovery_min_apply_delay
	Feedback       bool
}
