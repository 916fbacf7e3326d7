package step

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// KeyMark is what the comment of the unique index on the integers says: that up made the index, and what the way back needs.
type KeyMark struct {
	// Table is the table of the primary key. A mark that names another table was copied by CREATE TABLE LIKE, or the table
	// was renamed.
	Table sqltext.Table
	// Primary is the name of the primary key.
	Primary string
	// Columns and UUIDs are the columns of the primary key before and after the switch.
	Columns, UUIDs []string
	// Identity is the replica identity before the switch, if up pinned it to the index.
	Identity Identity
	// Switched is the time of the switch by the server's clock; the zero value until then.
	Switched time.Time
	// Contracted says that the integers have ended. The mark is then in the comment of the primary key's index.
	Contracted bool
	// Newer is the format of a mark that this version of rekey cannot read; 0 if it can. The other fields are not set.
	Newer int
	// Unreadable says that the comment was edited. The other fields are not set.
	Unreadable bool
}

// Identity is a replica identity that the switch replaces.
type Identity string

// The replica identities that change with the primary key.
const (
	IdentityKept    Identity = ""        // up left it as it was
	IdentityDefault Identity = "default" // the primary key's columns
	IdentityPrimary Identity = "primary" // the primary key's index, by name
)

const keyMark = "[rekey 2: key {"

// keyDocument is the JSON text of a mark. Its names are a stored format.
type keyDocument struct {
	Table    [2]string `json:"of"`
	Primary  string    `json:"primary"`
	Columns  []string  `json:"columns"`
	UUIDs    []string  `json:"uuids"`
	Identity Identity  `json:"identity,omitempty"`
	Ended    bool      `json:"contracted,omitempty"`
	Switched string    `json:"switched,omitempty"`
}

// Mark returns the mark of the unique index before the switch.
func (k Key) Mark() KeyMark {
	return KeyMark{Table: k.Table.All(), Primary: k.Constraint, Columns: k.Columns, UUIDs: k.UUIDs}
}

func (m KeyMark) of(k Key) bool {
	return m.Table.Same(k.Table) && slices.Equal(m.Columns, k.Columns) && slices.Equal(m.UUIDs, k.UUIDs)
}

// ReadKeyMark returns the mark in the comment of an index, and whether there is one. It finds the primary keys of a schema that an
// earlier up switched, with the names that it gave.
func ReadKeyMark(i *catalog.Index) (KeyMark, bool) {
	comment := text(i.Comment)
	if newer := newerMark(comment); newer > 0 {
		return KeyMark{Newer: newer}, true
	}
	at := strings.LastIndex(comment, keyMark)
	if at < 0 {
		return KeyMark{}, false
	}
	var d keyDocument
	decoder := json.NewDecoder(strings.NewReader(comment[at+len(keyMark)-1:]))
	if decoder.Decode(&d) != nil || !d.complete() {
		return KeyMark{Unreadable: true}, true
	}
	m := KeyMark{Table: namedTable(d.Table), Primary: d.Primary, Columns: d.Columns, UUIDs: d.UUIDs, Identity: d.Identity, Contracted: d.Ended}
	if d.Switched != "" {
		at, err := time.Parse(time.RFC3339, d.Switched)
		if err != nil {
			return KeyMark{Unreadable: true}, true
		}
		m.Switched = at
	}
	return m, true
}

// PlainKeyComment returns the comment of an index without the mark, which is at its end.
func PlainKeyComment(comment *string) string {
	plain, _, _ := strings.Cut(text(comment), keyMark)
	return strings.TrimSuffix(plain, "\n")
}

// isKeyIndex reports whether an index has the mark of a primary key.
func isKeyIndex(i *catalog.Index) bool {
	_, ok := ReadKeyMark(i)
	return ok
}

func (d keyDocument) complete() bool {
	return d.Table[0] != "" && d.Table[1] != "" && d.Primary != "" && len(d.Columns) > 0 && len(d.Columns) == len(d.UUIDs)
}

// Comment returns the comment of the index.
func (m KeyMark) Comment() string { return m.comment(m.switchedText()) }

func (m KeyMark) switchedText() string {
	if m.Switched.IsZero() {
		return ""
	}
	return m.Switched.UTC().Format(time.RFC3339)
}

func (m KeyMark) comment(switched string) string {
	document, err := json.Marshal(keyDocument{
		Table: namePair(m.Table), Primary: m.Primary, Columns: m.Columns, UUIDs: m.UUIDs, Identity: m.Identity, Ended: m.Contracted, Switched: switched,
	})
	if err != nil {
		panic(err) // strings only
	}
	return strings.TrimSuffix(keyMark, "{") + string(document) + "]"
}

// write returns the statement that writes the mark.
func (m KeyMark) write(index sqltext.Table) string {
	return sqltext.Format("COMMENT ON INDEX {} IS {}", index, sqltext.Value(m.Comment()))
}

// writeNow returns the statement that writes the mark with the server's time as the time of the switch. The time is the last
// value of the document.
func (m KeyMark) writeNow(index sqltext.Table) string {
	const never = "0001-01-01T00:00:00Z"
	comment := m.comment(never)
	at := strings.LastIndex(comment, never)
	now := `pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
	return "DO " + sqltext.Dollar(sqltext.Format("BEGIN EXECUTE pg_catalog.format('COMMENT ON INDEX %s IS %L', {}, {} || ", sqltext.Value(sqltext.Format("{}", index)), sqltext.Value(comment[:at]))+
		now+sqltext.Format(" || {}); END", sqltext.Value(comment[at+len(never):])))
}
