// Package catalog is what a database looks like: the server, its schemas and tables, as values.
// It knows no SQL and touches nothing.
package catalog

// Server is the server and the role that looks at it.
type Server struct {
	Version         int    // server_version_num: 150018
	VersionText     string // "15.18"
	Database        string
	Flavor          string // "" for PostgreSQL itself, else "Citus", "CockroachDB", "YugabyteDB"
	Standby         bool   // pg_is_in_recovery()
	ReadOnly        bool   // default_transaction_read_only
	Pooled          bool   // a pooler stands in between: the backend is not the one that was greeted
	Role            Role
	DeadlockTimeout int // milliseconds
	JournalSchema   JournalSchema
	Standbys        []Standby
	Replicas        []Replica // the standbys that a connection leads to
	EventTriggers   []EventTrigger
}

// EventTrigger is an enabled event trigger that a catalogue change of rekey's may fire.
type EventTrigger struct {
	Name     string
	Event    string   // ddl_command_start, ddl_command_end, sql_drop
	Tags     []string // the commands that fire it; none where all do
	Function string   // schema-qualified, quoted where it must be, with parentheses

	Owner        string // of the function
	OwnerBecomes bool   // see Owner.Becomes
}

// HeldBy returns the owner of the function.
func (e EventTrigger) HeldBy() Owner { return Owner{Name: e.Owner, Becomes: e.OwnerBecomes} }

// Major is 15 for 15.18.
func (s Server) Major() int { return s.Version / 10000 }

// Role is the role that rekey works as.
type Role struct {
	Name           string
	Session        string // the role that has logged in, where it is another one: any function may take its rights back
	Superuser      bool
	BypassRLS      bool
	Monitor        bool     // member of pg_monitor, or a superuser
	ReplicaRole    bool     // may set session_replication_role
	CreateDatabase bool     // CREATE on the database: may make a schema
	NoTablespace   string   // its default_tablespace, where it may not create in that
	Trusts         []string // owners that it trusts with its rights: --trust-owner
}

// Owner is the owner of an object.
type Owner struct {
	Name    string
	Becomes bool // it has all rights of the current role: it is that role, a superuser, or may become it by SET ROLE
}

// Object is an object in the schema "rekey", or the schema.
type Object struct {
	Name  string // pg_describe_object
	Owner Owner
	Fault string // why it is not rekey's own, whoever owns it; "" where its owner is all that is in question
}

// Code is code that statements on a table would run, and that a role with fewer rights than the session's can change.
type Code struct {
	Table  string // schema.table
	Holder Owner  // of the expression that calls it, where Fault is set: of the table, or of a domain
	Where  string // what of the table runs it: "constraint present on table app.t"
	Runs   string // "function app.f(text)"
	Owner  Owner  // of what runs
	Fault  string // why an expression must not call it with rights that the expression's owner has not, whoever owns it
	Fires  bool   // a trigger runs it: an UPDATE does, and nothing else
}

// JournalSchema is the schema "rekey" and what the role may do there.
type JournalSchema struct {
	Exists  bool
	Usage   bool
	Create  bool
	Tables  bool     // its tables are there
	Write   bool     // and may be written by the role
	Owner   string   // "" when it does not exist
	Unexpected []Object // what is in it (and the schema itself) that has another owner than the role, or is not rekey's
}

// Standby is a connected replication client.
type Standby struct {
	Name        string
	State       string
	Synchronous bool
}

// Schema is one schema with the relations that were asked for.
type Schema struct {
	Name      string
	Exists    bool
	Usage     bool
	Create    bool
	Function  *Function // uuid_generate_v7() without arguments, if there is one
	Overloads []string  // functions of that name with arguments that may be called without any
	Relations []Table
	Code      []Code  // that an UPDATE of the tables would run, where the role has more rights than their owner
	OtherSchemas    []Table // name, kind and table of the index, of all that is in the other schemas that have partitions or children of its tables
}

// Named finds a relation by its schema and name, also in a schema beside; nil if there is none.
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

// Relation finds a relation by its name; nil if there is none.
func (s Schema) Relation(name string) *Table {
	for i := range s.Relations {
		if s.Relations[i].Name == name {
			return &s.Relations[i]
		}
	}
	return nil
}

// OIDs are those of the relations.
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
	OwnsTables     bool   // the owner owns every table that calls it
	Owned        bool   // the role may replace it, as a superuser may any
	OwnedByRole          bool   // the role itself is its owner
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
	Unprivileged []string // roles that may INSERT into a table of the schema and lack EXECUTE; "PUBLIC" is one
	Proof        *Proof   // nil until it was called
}

// HeldBy gives the function's owner.
func (f Function) HeldBy() Owner { return Owner{Name: f.Owner, Becomes: f.OwnerBecomes} }

// Proof is what calling a function showed.
type Proof struct {
	V7     bool
	Reason string // why not
}
