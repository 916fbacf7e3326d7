package catalog

import "time"

// Stats is what the server knows about the sizes of a table and its rows. It is read for a forecast only.
type Stats struct {
	Table        int64   // bytes of the table with TOAST and the maps
	Indexes      []Sized // in the order of their names
	DeadRows     float64 // that no VACUUM has removed yet
	Free         float64 // share of the main fork that is free or dead, by pgstattuple; negative if it was not read
	Columns      []ColumnStats
	FrozenAge    int64 // transactions since the oldest one in the table
	MultiAge     int64 // multixacts likewise
	Vacuuming    bool  // a VACUUM of the table is running
	Tablespace   uint32
	NeverCounted bool // neither VACUUM nor ANALYZE has counted its rows
}

// Sized is an index and its size.
type Sized struct {
	Index uint32 // oid
	Bytes int64
	Rows  float64
}

// ColumnStats are what ANALYZE found out about a column.
type ColumnStats struct {
	Name        string
	Width       float64 // average bytes of the values that are not NULL
	Nulls       float64 // share of the rows
	Distinct    float64 // number of values; negative: divided by the number of rows
	Correlation float64 // between the order of the values and the order of the rows, from -1 to 1
}

// Load is what else happens on a server, and its settings that a forecast needs.
type Load struct {
	MaxWAL, MinWAL, Segment   int64 // bytes
	CheckpointTimeout         time.Duration
	CompletionTarget          float64
	FullPages, Compressed     bool
	MaintenanceMemory         int64  // bytes
	SharedBuffers             int64  // bytes
	MaxSlotWAL                int64  // bytes of max_slot_wal_keep_size; -1 for no limit
	WALDirectory              int64  // bytes; 0 if the role may not see it
	DataDirectory             string // "" if the role may not see it
	Local                     bool   // the connection goes through a Unix-domain socket or the loopback interface
	Logical                   bool   // wal_level is logical
	ArchiveFails              bool   // the last attempt to archive WAL failed
	FreezeAge, MultiFreezeAge int64  // autovacuum_freeze_max_age and its counterpart

	// Free is the number of connections that are left to all roles, RoleFree the number left to this role; -1 for no limit.
	Free, RoleFree int

	Slots        []Slot
	Followers    []Follower
	Transactions []Transaction
	WALSync      time.Duration // of one flush of the WAL, on average; 0 if it was not measured
	Tablespaces  []Tablespace
}

// Slot is a replication slot.
type Slot struct {
	Name     string
	Active   bool
	Status   string // pg_replication_slots.wal_status
	Retained int64  // bytes
	Spare    int64  // bytes until it loses WAL; -1 if it never does
}

// Follower is a standby or a logical subscriber that receives WAL.
type Follower struct {
	Name     string
	Hidden   bool // the role may not see its lag
	Lag      time.Duration
	Behind   int64 // bytes
	Replayed int64 // position in the WAL in bytes
	// Replays is how many bytes it replays a second while it is behind; 0 if it was not measured.
	Replays float64
}

// Transaction is one that keeps dead rows from being removed.
type Transaction struct {
	PID         int
	Application string
	State       string
	Age         time.Duration
	Prepared    string // its identifier, if it is a prepared one
}

// Tablespace is where tables are.
type Tablespace struct {
	OID  uint32
	Name string
	Path string // "" for the data directory
}
