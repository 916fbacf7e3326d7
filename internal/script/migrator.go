package script

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A migrator may run each statement in another session, so that the procedures are made in schema rekey
// and dropped at the end; a schema that the script made goes too.

const madeSchema = "made by a script of rekey, for its procedures"

// begin refuses a database that the script was not made for, and makes the procedures' home.
func (m *manuscript) begin() statement {
	settings := `IF current_setting('statement_timeout') <> '0' OR current_setting('lock_timeout') <> '0'
       OR current_setting('transaction_isolation') <> 'read committed' OR current_setting('transaction_read_only') <> 'off'
       OR current_setting('transaction_timeout', true) <> '0' THEN
        RAISE EXCEPTION USING MESSAGE = 'the session has a timeout, another isolation level than READ COMMITTED, or is read-only',
            HINT = 'Give the migrator a connection without: options=-c statement_timeout=0 -c lock_timeout=0, say.';
    END IF;`
	home := sqltext.Format(`IF to_regnamespace('rekey') IS NULL THEN
        CREATE SCHEMA rekey;
        COMMENT ON SCHEMA rekey IS {};
    END IF;`, sqltext.Value(madeSchema))
	text := remark("", "Is this the database that the script was made for? Then the schema of its procedures is made, where it is not there.") +
		remark("Lock:  ", "none on any table.")
	return statement{name: "check", text: text + do(m.check(settings, "", home))}
}

// end takes the procedures' home away, if the script made it and nothing else is in it.
func end() statement {
	body := sqltext.Format(`BEGIN
    IF pg_catalog.obj_description(pg_catalog.to_regnamespace('rekey'), 'pg_namespace') = {} THEN
        DROP SCHEMA rekey;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL; -- rekey's journal is in it
END`, sqltext.Value(madeSchema))
	return statement{name: "drop_schema", text: remark("", "drop the schema of the procedures, if this made it and nothing else is in it") + do(body)}
}

func (m *manuscript) create(name string) statement {
	return statement{name: "create_procedure_" + name, text: m.procedure(name, schemaHome) + "\n"}
}

func drop(name string) statement {
	return statement{
		name: "drop_procedure_" + name, text: remark("", "drop the procedure again") + dropProcedure(name, schemaHome),
	}
}

// statements gives the pieces as statements that stand alone.
func (m *manuscript) alone() []statement {
	all := make([]statement, len(m.pieces))
	for i, p := range m.pieces {
		about := remark("", m.on(p)+":") + p.lockedBy(instant+", when nobody builds it any more").remarks()
		all[i] = statement{step: p.step, name: plain(p.name), text: about + m.inMigrator(p)}
	}
	return all
}

func (m *manuscript) inMigrator(p piece) string {
	switch c := p.content.(type) {
	case leftover:
		return callChange(schemaHome, change{table: c.target.Relation(), exclusive: true, only: true, statements: []string{c.short}}, p.needed)
	case index:
		return c.again + ";\n"
	default:
		return m.call(schemaHome, p)
	}
}

// one is all statements of one way, in order.
func (m *manuscript) one() []statement {
	all := []statement{m.traps(), m.begin()}
	for _, name := range m.procedures() {
		all = append(all, m.create(name))
	}
	all = append(all, m.alone()...)
	for _, name := range m.procedures() {
		all = append(all, drop(name))
	}
	return append(all, end())
}

// goose writes one file with both ways.
func goose(there, back *manuscript) ([]File, error) {
	var out strings.Builder
	section := func(m *manuscript) error {
		for _, s := range m.one() {
			if strings.Contains(s.text, "+goose") {
				return fmt.Errorf("goose would read its own word in the statement %s: use another format", s.name)
			}
			out.WriteString("\n-- +goose StatementBegin\n" + s.text + "-- +goose StatementEnd\n")
		}
		return nil
	}
	head := there.head()
	if strings.Contains(head, "+goose") {
		return nil, fmt.Errorf("goose would read its own word in a name: use another format")
	}
	out.WriteString("-- +goose NO TRANSACTION\n" + head + "-- +goose Up\n")
	if err := section(there); err != nil {
		return nil, err
	}
	out.WriteString("\n-- +goose Down\n")
	if back == nil {
		out.WriteString(remark("", "Nothing. "+there.noWayBack()))
	} else if err := section(back); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s_rekey_%s_%s.sql", there.o.number(0), there.plan.Direction, plain(there.plan.SchemaName))
	return []File{{Name: name, Text: out.String()}}, nil
}

// slot is one number of golang-migrate's: a statement on the way there, one on the way back, or both.
type slot struct{ there, back *statement }

// migrateFiles writes a file for each statement. The way back runs from the highest number to the lowest,
// so that a statement of it gets the number of what it takes back.
func migrateFiles(there, back *manuscript) []File {
	var files []File
	for n, s := range slots(there, back) {
		named := s.there
		if named == nil {
			named = s.back
		}
		for _, side := range []struct {
			statement *statement
			kind      string
		}{{s.there, "up"}, {s.back, "down"}} {
			if side.statement != nil {
				files = append(files, File{fmt.Sprintf("%s_rekey_%s.%s.sql", there.o.number(n), plain(named.name), side.kind), side.statement.text})
			}
		}
	}
	return files
}

func slots(there, back *manuscript) []slot {
	var all []slot
	forth := func(s statement) { all = append(all, slot{there: &s}) }
	if back == nil {
		for _, s := range there.one() {
			forth(s)
		}
		return all
	}
	forth(there.traps())
	both := func(a, b statement) { all = append(all, slot{&a, &b}) }
	both(there.begin(), end())
	both(there.create("change"), drop("change"))
	fills := len(there.procedures()) > 1
	if fills {
		forth(there.create("fill"))
	}
	all = append(all, pair(there.alone(), back.alone(), order(there.plan.Plan))...)
	if fills {
		forth(drop("fill"))
	}
	both(drop("change"), back.create("change"))
	both(end(), back.begin())
	last := back.traps()
	return append(all, slot{back: &last})
}

// order is that of the steps on the way there.
func order(p plan.Plan) []step.ID {
	var ids []step.ID
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			ids = append(ids, s.ID())
		}
	}
	return append(ids, proof(p.SchemaName))
}

// pair puts each step's statements of the way back beside its last ones of the way there.
func pair(there, back []statement, order []step.ID) []slot {
	var all []slot
	for _, id := range order {
		forth, home := of(there, id), of(back, id)
		n := max(len(forth), len(home))
		slots := make([]slot, n)
		for i := range forth {
			slots[i].there = &forth[i]
		}
		for i := range home {
			slots[n-1-i].back = &home[i]
		}
		all = append(all, slots...)
	}
	return all
}

func of(all []statement, id step.ID) []statement {
	var found []statement
	for _, s := range all {
		if s.step == id {
			found = append(found, s)
		}
	}
	return found
}
