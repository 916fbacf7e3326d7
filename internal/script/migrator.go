package script

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A migrator may run each statement in another session, so the procedures are created in schema rekey and dropped at
// the end. The schema is dropped as well if the script created it.

const schemaComment = "made by a script of rekey, for its procedures"

// renderCheck refuses a database for which the script was not made, and creates the schema of the procedures.
func (m *script) renderCheck() rendered {
	settings := `IF current_setting('statement_timeout') <> '0' OR current_setting('lock_timeout') <> '0'
       OR current_setting('transaction_isolation') <> 'read committed' OR current_setting('transaction_read_only') <> 'off'
       OR current_setting('transaction_timeout', true) <> '0' THEN
        RAISE EXCEPTION USING MESSAGE = 'the session has a timeout, an isolation level other than READ COMMITTED, or is read-only',
            HINT = 'Connect the migrator without them, for example with options=-c statement_timeout=0 -c lock_timeout=0.';
    END IF;`
	schema := sqltext.Format(`IF to_regnamespace('rekey') IS NULL THEN
        CREATE SCHEMA rekey;
        COMMENT ON SCHEMA rekey IS {};
    END IF;`, sqltext.Value(schemaComment))
	text := comment("", "Check that this is the database for which the script was made, and create the schema of its procedures if it does not exist.") +
		comment("Lock:  ", "none on any table.")
	return rendered{name: "check", text: text + do(m.check(settings, "", schema))}
}

// dropSchema drops the schema of the procedures if the script created it and it contains nothing else.
func dropSchema() rendered {
	body := sqltext.Format(`BEGIN
    IF pg_catalog.obj_description(pg_catalog.to_regnamespace('rekey'), 'pg_namespace') = {} THEN
        DROP SCHEMA rekey;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL; -- it contains rekey's journal
END`, sqltext.Value(schemaComment))
	return rendered{name: "drop_schema", text: comment("", "drop the schema of the procedures, if the script created it and it contains nothing else") + do(body)}
}

func (m *script) createProcedure(name string) rendered {
	return rendered{name: "create_procedure_" + name, text: m.procedure(name, rekeySchema) + "\n"}
}

func dropProcedure(name string) rendered {
	return rendered{
		name: "drop_procedure_" + name, text: comment("", "drop the procedure") + dropProcedureSQL(name, rekeySchema),
	}
}

// render returns the statements as texts that can run independently of each other.
func (m *script) render() []rendered {
	all := make([]rendered, len(m.statements))
	for i, p := range m.statements {
		all[i] = rendered{step: p.step, name: fileName(p.Name), text: comment("", m.heading(p)+":") + m.migratorText(p)}
	}
	return all
}

// renderAll returns all statements of one direction, in order.
func (m *script) renderAll() []rendered {
	all := []rendered{m.preflight(), m.renderCheck()}
	for _, name := range m.procedures() {
		all = append(all, m.createProcedure(name))
	}
	all = append(all, m.render()...)
	for _, name := range m.procedures() {
		all = append(all, dropProcedure(name))
	}
	return append(all, dropSchema())
}

// goose writes one file with both directions.
func goose(forward, reverse *script) ([]File, error) {
	var out strings.Builder
	section := func(m *script) error {
		for _, s := range m.renderAll() {
			if strings.Contains(s.text, "+goose") {
				return fmt.Errorf("statement %s contains a goose annotation: use another format", s.name)
			}
			out.WriteString("\n-- +goose StatementBegin\n" + s.text + "-- +goose StatementEnd\n")
		}
		return nil
	}
	head := forward.header()
	if strings.Contains(head, "+goose") {
		return nil, fmt.Errorf("a name contains a goose annotation: use another format")
	}
	out.WriteString("-- +goose NO TRANSACTION\n" + head + "-- +goose Up\n")
	if err := section(forward); err != nil {
		return nil, err
	}
	out.WriteString("\n-- +goose Down\n")
	if reverse == nil {
		out.WriteString(comment("", "Nothing. "+forward.noReverse()))
	} else if err := section(reverse); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s_rekey_%s_%s.sql", forward.o.number(0), forward.plan.Direction, fileName(forward.plan.SchemaName))
	return []File{{Name: name, Text: out.String()}}, nil
}

// slot is one file number of golang-migrate: a statement of the forward direction, one of the reverse direction, or
// both.
type slot struct{ forward, reverse *rendered }

// migrateFiles writes a file for each statement. The reverse direction runs from the highest number to the lowest, so
// each of its statements gets the number of the statement that it reverses.
func migrateFiles(forward, reverse *script) []File {
	var files []File
	for n, s := range slots(forward, reverse) {
		named := s.forward
		if named == nil {
			named = s.reverse
		}
		for _, side := range []struct {
			statement *rendered
			kind      string
		}{{s.forward, "up"}, {s.reverse, "down"}} {
			if side.statement != nil {
				files = append(files, File{fmt.Sprintf("%s_rekey_%s.%s.sql", forward.o.number(n), fileName(named.name), side.kind), side.statement.text})
			}
		}
	}
	return files
}

func slots(forward, reverse *script) []slot {
	var all []slot
	add := func(s rendered) { all = append(all, slot{forward: &s}) }
	if reverse == nil {
		for _, s := range forward.renderAll() {
			add(s)
		}
		return all
	}
	add(forward.preflight())
	addBoth := func(a, b rendered) { all = append(all, slot{&a, &b}) }
	addBoth(forward.renderCheck(), dropSchema())
	addBoth(forward.createProcedure("change"), dropProcedure("change"))
	fills := len(forward.procedures()) > 1
	if fills {
		add(forward.createProcedure("fill"))
	}
	all = append(all, pair(forward.render(), reverse.render(), stepOrder(forward.plan.Plan))...)
	if fills {
		add(dropProcedure("fill"))
	}
	addBoth(dropProcedure("change"), reverse.createProcedure("change"))
	addBoth(dropSchema(), reverse.renderCheck())
	last := reverse.preflight()
	return append(all, slot{reverse: &last})
}

// stepOrder returns the steps in the order of the forward direction.
func stepOrder(p plan.Plan) []step.ID {
	var ids []step.ID
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			ids = append(ids, s.ID())
		}
	}
	return append(ids, proofStep(p.SchemaName))
}

// pair gives each step's statements of the reverse direction the numbers of the last ones of the forward direction.
func pair(forward, reverse []rendered, order []step.ID) []slot {
	var all []slot
	for _, id := range order {
		ups, downs := ofStep(forward, id), ofStep(reverse, id)
		n := max(len(ups), len(downs))
		slots := make([]slot, n)
		for i := range ups {
			slots[i].forward = &ups[i]
		}
		for i := range downs {
			slots[n-1-i].reverse = &downs[i]
		}
		all = append(all, slots...)
	}
	return all
}

func ofStep(all []rendered, id step.ID) []rendered {
	var found []rendered
	for _, s := range all {
		if s.step == id {
			found = append(found, s)
		}
	}
	return found
}
