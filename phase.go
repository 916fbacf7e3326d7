package rekey

// Phase is how far the tables of a schema are on the way from integer keys to uuids.
type Phase string

// The phases, in order.
const (
	Integers   Phase = "integers"   // no table has a uuid column that rekey made
	Expanded   Phase = "expanded"   // every table has a uuid column
	Linked     Phase = "linked"     // next to every integer foreign key there is one of uuids, and triggers keep both equal
	Switched   Phase = "switched"   // the uuid is the primary key of every table, and the integers stay unique
	Contracted Phase = "contracted" // the integers are gone
)

// HazardName names a change of meaning that a phase brings to statements of the application.
type HazardName string

// The hazards.
const (
	// HazardGroupBy: SELECT with GROUP BY on the integer alone and other columns of the table fails with 42803.
	HazardGroupBy HazardName = "group-by"
	// HazardOnConflictConstraint: INSERT .. ON CONFLICT ON CONSTRAINT with the primary key's name looks for the same uuid.
	HazardOnConflictConstraint HazardName = "on-conflict-constraint"
	// HazardOnConflictRace: INSERT .. ON CONFLICT on a key of references can raise 23505 in a race.
	HazardOnConflictRace HazardName = "on-conflict-race"
	// HazardLostObjects: indexes, checks and statistics are dropped with the integers and have no counterpart.
	HazardLostObjects HazardName = "lost-objects"
	// HazardIntegerReads: indexes of the integers were read since the switch.
	HazardIntegerReads HazardName = "integer-reads"
	// HazardFunctionText: a function of the database names an integer column in its text.
	HazardFunctionText HazardName = "function-text"
	// HazardReplicaIdentity: the replica identity of published tables becomes the uuid.
	HazardReplicaIdentity HazardName = "replica-identity"
)

// Arbiter says which unique indexes an application may name in INSERT .. ON CONFLICT (columns). Where a unique index
// holds an integer foreign key, only one of that index and its twin with the uuid column can be an arbiter: the other
// one raises unique_violation if two sessions insert the same values at once.
type Arbiter string

// The arbiters.
const (
	ArbiterInteger Arbiter = "integer" // the indexes of the integer columns
	ArbiterUUID    Arbiter = "uuid"    // the indexes of the uuid columns, where they can keep the rows unique alone
	ArbiterBoth    Arbiter = "both"    // both: every application must retry after unique_violation
)

// Reference names an integer column that refers to another table without a foreign key.
type Reference struct {
	// Table is the table with the column, in the schema of the run.
	Table string
	// Column is the integer column.
	Column string
	// Parent is the table that it refers to, with its schema if that is another one: "auth.users".
	Parent string
}
