// Package catalog describes a database as values: the server, its schemas and their tables. It contains no SQL.
package catalog

import (
	"time"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Server describes the server and the role of the session.
type Server struct {
	Version         int    // server_version_num: 150018
	VersionText     string // "15.18"
	Database        string
	Flavor          string // "" for PostgreSQL itself, else "CockroachDB", "YugabyteDB"
	Standby         bool   // pg_is_in_recovery()
	ReadOnly        bool   // default_transaction_read_only
	Pooled          bool   // the connection goes through a pooler: the backend's pid is not the one from the startup
	Role            Role
	DeadlockTimeout int       // milliseconds
	Now             time.Time // the server's clock when it was read
	JournalSchema   JournalSchema
	Standbys        []Standby
	Replicas        []Replica // the standbys to which rekey connects
	EventTriggers   []EventTrigger
	Cluster         *Cluster // nil without Citus
}

// EventTrigger is an enabled event trigger that a statement of rekey's may fire.
type EventTrigger struct {
	Name     string
	Event    string   // ddl_command_start, ddl_command_end, sql_drop
	Tags     []string // the commands that fire it; nil if all do
	Function string   // schema-qualified, quoted where it must be, with parentheses

	Owner        string // of the function
	OwnerBecomes bool   // see Owner.Becomes
}

// HeldBy returns the owner of the function.
func (e EventTrigger) HeldBy() Owner { return Owner{Name: e.Owner, Becomes: e.OwnerBecomes} }

// Major returns the major version: 15 for 15.18.
func (s Server) Major() int { return s.Version / 10000 }

// Role is the role that rekey works as.
type Role struct {
	Name           string
	Session        string // session_user, if it is another role: any function can return to its rights
	Superuser      bool
	BypassRLS      bool
	Monitor        bool     // member of pg_monitor, or a superuser
	ReplicaRole    bool     // may set session_replication_role
	CreateDatabase bool     // CREATE on the database: may make a schema
	NoTablespace   string   // its default_tablespace, if it may not create objects there
	Trusts         []string // owners whose code may run with its rights: --trust-owner
}

// Owner is the owner of an object.
type Owner struct {
	Name    string
	Becomes bool // the owner has all rights of the current role: it is that role, a superuser, or may become it with SET ROLE
}

// Object is an object in the schema "rekey", or the schema.
type Object struct {
	Name  string // pg_describe_object
	Owner Owner
	Fault string // why it cannot be an object of rekey's, regardless of its owner; "" if only its owner is wrong
}

// Code is code that statements on a table run and that a role with fewer rights than the session's role can change.
type Code struct {
	Table  sqltext.Table
	Holder Owner  // if Fault is set: owner of the expression that calls the code, which is the table's or a domain's owner
	Where  string // the object that runs it: "constraint present on table app.t"
	Runs   string // "function app.f(text)"
	Owner  Owner  // owner of the code
	Fault  string // why an expression must not call it with more rights than the expression's owner has; "" if it may
	Fires  bool   // a trigger runs it, on UPDATE only
}

// JournalSchema describes the schema "rekey" and the role's rights in it.
type JournalSchema struct {
	Exists     bool
	Usage      bool
	Create     bool
	Tables     bool     // the journal's tables exist
	Write      bool     // the role may read and write them
	Owner      string   // "" if the schema does not exist
	Version    int      // the journal's version; 0 if there is none, or the role may not read it
	Known      int      // the version that this rekey uses
	OtherOwner string   // owner of a table that the role may not alter; "" if it may alter all
	Unexpected []Object // objects in it, or the schema itself, with another owner than the role, or not made by rekey
}

// Standby is a connected replication client.
type Standby struct {
	Name        string
	State       string
	Synchronous bool
}

// Schema describes one schema and the relations that the request named.
type Schema struct {
	Name      string
	Exists    bool
	Usage     bool
	Create    bool
	Function  *Function // uuid_generate_v7() without arguments; nil if there is none
	Overloads []string  // functions of that name with arguments that can all be omitted
	Relations []Table
	Places    map[string]int // position of each relation by its name, so that one of thousands is found at once; nil searches
	Code      []Code         // code that an UPDATE of the tables runs, if the role has more rights than its owner
	// OtherSchemas are relations of other schemas. The tables of foreign keys are complete; of the schemas that have
	// partitions or children of its tables, every relation has Schema, Name, Kind and IndexOf.
	OtherSchemas []Table
}

// Find returns the relation with a schema and a name, in Relations or OtherSchemas; nil if there is none.
func (s Schema) Find(schema, name string) *Table {
	if schema == s.Name {
		return s.Relation(name)
	}
	for i := range s.OtherSchemas {
		if s.OtherSchemas[i].Schema == schema && s.OtherSchemas[i].Name == name {
			return &s.OtherSchemas[i]
		}
	}
	return nil
}

// Named is Find for a qualified name.
func (s Schema) Named(name sqltext.Table) *Table { return s.Find(name.Schema, name.Name) }

// Relation returns the relation with a name; nil if there is none. It uses Places as far as they fit the relations.
func (s Schema) Relation(name string) *Table {
	at, ok := s.Places[name]
	switch {
	case ok && at < len(s.Relations) && s.Relations[at].Name == name:
		return &s.Relations[at]
	case !ok && s.Places != nil && len(s.Places) == len(s.Relations):
		return nil
	}
	for i := range s.Relations {
		if s.Relations[i].Name == name {
			return &s.Relations[i]
		}
	}
	return nil
}

// SetPlaces sets Places for the relations.
func (s *Schema) SetPlaces() {
	s.Places = make(map[string]int, len(s.Relations))
	for i := range s.Relations {
		s.Places[s.Relations[i].Name] = i
	}
}

// OIDs returns the oids of the relations.
func (s Schema) OIDs() []uint32 {
	oids := make([]uint32, len(s.Relations))
	for i, t := range s.Relations {
		oids[i] = t.OID
	}
	return oids
}

// Function is a function without arguments.
type Function struct {
	OID          uint32
	Schema, Name string
	Owner        string
	OwnerBecomes bool   // see Owner.Becomes
	OwnsTables   bool   // its owner owns every table that calls it
	Owned        bool   // the role has the owner's rights and so may replace it
	OwnedByRole  bool   // the role itself is the owner
	Extension    string // the extension it belongs to, or ""
	SourceMD5    string // md5 of prosrc
	Digest       string // md5 of prosrc without comments, white space, letter case, and the schema of gen_random_bytes
	Kind         string // pg_proc.prokind
	Strict       bool
	Definer      bool // SECURITY DEFINER
	Leakproof    bool
	Config       []string // its SET clauses
	Returns      string   // format_type of the result
	Volatile     bool
	ParallelSafe bool
	Language     string
	Unprivileged []string  // roles, or "PUBLIC", that may INSERT into a table of the schema but not EXECUTE the function
	Proof        *Proof    // nil if the function was not called
	Original     *Original // nil if it is not the function of a known library
}

// HeldBy returns the owner of the function.
func (f Function) HeldBy() Owner { return Owner{Name: f.Owner, Becomes: f.OwnerBecomes} }

// Original says that a function is a library's own, because its source is known.
type Original struct {
	Library string // the library's name in messages
	Needs   string // what an INSERT that calls it needs
}

// Proof is the result of calling a function.
type Proof struct {
	V7     bool   // it makes UUIDv7
	Reason string // why V7 is false
}
