package pg

import (
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// pin is a setting that rekey depends on, and that a role, a database or the server's configuration may have
// changed.
type pin struct {
	name  string
	value string
	since int // major version that introduced it; 0: every version that rekey supports
	until int // last major version that has it; 0: the newest has it
}

// pins are the settings that every session and every transaction of rekey sets; they override the role's, the
// database's and the configuration's. Timeouts, synchronous_commit and session_replication_role depend on what a
// transaction does: [Settings] has those. A setting that changes neither a result nor the choice of a plan
// (work_mem, maintenance_work_mem, default_tablespace, the log settings) keeps the operator's value.
//
// No pin needs a privilege. lc_messages needs one, so no code reads the text of a message where the message has a
// code or a routine.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var pins = []pin{
	// Defaults, types and settings are compared as the server writes them without it.
	{name: "quote_all_identifiers", value: "off"},

	// Names are resolved in pg_catalog only, so that an operator or a function of the same name in another schema
	// is never called. User-defined names are qualified.
	{name: "search_path", value: "pg_catalog"},
	// With "on" a policy would hide rows from a run that has to fill all of them; with "off" the server refuses.
	{name: "row_security", value: "off"},

	// The format of values that are read as text, and of literals in statements.
	{name: "DateStyle", value: "'ISO, YMD'"},
	{name: "IntervalStyle", value: "postgres"},
	{name: "bytea_output", value: "hex"},
	{name: "extra_float_digits", value: "1"},
	{name: "xmloption", value: "content"},
	{name: "standard_conforming_strings", value: "on"}, // literals are quoted for "on"
	{name: "backslash_quote", value: "safe_encoding"},  // literals contain no backslash before a quote
	{name: "array_nulls", value: "on"},                 // NULL in an array parameter is the null value
	{name: "transform_null_equals", value: "off"},      // "= NULL" in a default or a check keeps its meaning

	// JIT compiles the catalogue queries, whose estimated costs are high and whose run time is short: on Debian's
	// default configuration this takes 20 times the time of the query itself.
	{name: "jit", value: "off"},

	// With one of these off the planner chooses a plan that takes hundreds of times as long. Where rekey needs a
	// certain plan it switches the others off in that transaction.
	{name: "enable_seqscan", value: "on"},
	{name: "enable_indexscan", value: "on"},
	{name: "enable_indexonlyscan", value: "on"},
	{name: "enable_bitmapscan", value: "on"},
	{name: "enable_tidscan", value: "on"},
	{name: "enable_sort", value: "on"},
	{name: "enable_incremental_sort", value: "on"},
	{name: "enable_hashagg", value: "on"},
	{name: "enable_material", value: "on"},
	{name: "enable_memoize", value: "on", since: 14},
	{name: "enable_nestloop", value: "on"},
	{name: "enable_hashjoin", value: "on"},
	{name: "enable_mergejoin", value: "on"},
	{name: "enable_partition_pruning", value: "on"},
	{name: "from_collapse_limit", value: "8"},
	{name: "join_collapse_limit", value: "8"},
	{name: "geqo", value: "on"},
	{name: "geqo_threshold", value: "12"},
	{name: "constraint_exclusion", value: "partition"},
	{name: "cursor_tuple_fraction", value: "0.1"},
	{name: "random_page_cost", value: "4"}, // block ranges and keys are read by index on any disk
	{name: "seq_page_cost", value: "1"},
	{name: "cpu_tuple_cost", value: "0.01"},
	{name: "cpu_index_tuple_cost", value: "0.005"},
	{name: "cpu_operator_cost", value: "0.0025"},

	// A run works with the sessions that it opens: no query starts parallel workers.
	{name: "max_parallel_workers_per_gather", value: "0"},
	{name: "force_parallel_mode", value: "off", until: 15},
	{name: "debug_parallel_query", value: "off", since: 16},

	// A plan of a query that is sent once fits its parameters.
	{name: "plan_cache_mode", value: "auto"},
}

// pinnedFor caches the statements, since they are sent with every transaction.
//
//nolint:gochecknoglobals // a cache of constant values
var pinnedFor sync.Map // pinKey to []string

type pinKey struct {
	set      string
	server   int
	converts bool
}

// pinned returns the statements that set every pin of the server's version; set is SET or SET LOCAL.
func pinned(conn *pgconn.PgConn, set string) []string {
	key := pinKey{set, major(conn), convertsEncoding(conn)}
	if known, ok := pinnedFor.Load(key); ok {
		return known.([]string) //nolint:forcetypeassert // nothing else is stored
	}
	statements := key.statements()
	pinnedFor.Store(key, statements)
	return statements
}

func (k pinKey) statements() []string {
	statements := make([]string, 0, len(pins)+1)
	for _, p := range pins {
		if k.server < p.since || p.until > 0 && k.server > p.until {
			continue
		}
		statements = append(statements, fmt.Sprintf("%s %s = %s", k.set, p.name, p.value))
	}
	if k.converts {
		statements = append(statements, k.set+" client_encoding = 'UTF8'")
	}
	return slices.Clip(statements)
}
