package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Known has the objects that the plan of a drop shows, and the tables whose rows its proof compares. If the application has made more since,
// the drop stops: an object would end without a line in any plan, or integers that no proof has compared.
type Known struct {
	// Columns are the columns that the step drops, and Objects what depends on them, as "kind name".
	Columns, Objects []string
	// Tables are the OIDs of the table and of those below it when the proof began.
	Tables []uint32
	// Triggers are the triggers of the edge on these tables, with the transactions that wrote them and their function. One that was
	// disabled for a while has another one.
	Triggers []KnownTrigger
}

// KnownTrigger is a trigger that keeps both columns equal.
type KnownTrigger struct {
	Table   uint32
	Name    string
	Written string
}

// KnownOf returns what a table shows now. names are the triggers of the edge whose column ends; nil for a key.
func KnownOf(t *catalog.Table, columns, triggers []string) Known {
	k := Known{Columns: columns}
	for _, one := range t.All() {
		k.Tables = append(k.Tables, one.OID)
		for _, name := range triggers {
			if g := one.Trigger(name); g != nil {
				k.Triggers = append(k.Triggers, KnownTrigger{one.OID, g.Name, g.Written})
			}
		}
		for _, a := range k.attached(one) {
			if name := objectName(a); !slices.Contains(k.Objects, name) {
				k.Objects = append(k.Objects, name)
			}
		}
	}
	return k
}

func objectName(a catalog.Attachment) string { return a.Kind + " " + a.Name }

// attached returns the objects of a table that depend on the columns, without those that run makes itself, and without the indexes of a
// partition that belong to one of the partitioned table.
func (k Known) attached(t *catalog.Table) []catalog.Attachment {
	var found []catalog.Attachment
	for _, a := range t.Attachments {
		index := t.Index(a.Name)
		if a.OnIndex != "" {
			index = t.Index(a.OnIndex)
		}
		if slices.Contains(k.Columns, a.Column) && (index == nil || index.Parent == 0 && !IsTemporaryIndex(index.Name)) {
			found = append(found, a)
		}
	}
	return found
}

// surprise returns what a table has that the plan did not show; "" if it has nothing.
func (k Known) surprise(t *catalog.Table) string {
	for _, one := range t.All() {
		for _, a := range k.attached(one) {
			if !slices.Contains(k.Objects, objectName(a)) {
				return objectName(a) + " on column " + a.Column + ", which was created after the plan was made"
			}
		}
		if k.Triggers != nil && !slices.Contains(k.Tables, one.OID) {
			return "table " + one.Named().String() + ", whose rows were not compared"
		}
	}
	for _, g := range k.Triggers {
		if now := triggerOf(t, g); now != nil && now.Written != g.Written {
			return "trigger " + g.Name + ", which was altered after the rows were compared"
		}
	}
	return ""
}

// triggerOf returns a known trigger as it is now; nil if its table was detached or dropped, or has it no more.
func triggerOf(t *catalog.Table, known KnownTrigger) *catalog.Trigger {
	for _, one := range t.All() {
		if one.OID == known.Table {
			return one.Trigger(known.Name)
		}
	}
	return nil
}

// onlyNow returns the part of a guard that is true if the columns of a table, and of those below it, have no more objects that would end
// with them than the table had when it was read, if there are no more tables, and if the triggers are the ones known from the proof.
func (k Known) onlyNow(t *catalog.Table) string {
	var tables, columns, objects []string
	for _, one := range t.All() {
		tables = append(tables, sqltext.Format("{}", one.OID))
		for _, a := range one.Attachments {
			if slices.Contains(k.Columns, a.Column) {
				objects = append(objects, sqltext.Format("{}", a.Object))
			}
		}
	}
	for _, c := range k.Columns {
		columns = append(columns, sqltext.Format("{}", sqltext.Value(c)))
	}
	array := func(list []string, kind string) string {
		return "ARRAY[" + strings.Join(list, ", ") + "]::pg_catalog." + kind + "[]"
	}
	guards := []string{"NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid" +
		" LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid" +
		" WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = ANY (" + array(tables, "oid") + ") AND a.attname = ANY (" + array(columns, "name") + ")" +
		" AND (d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass) AND d.objsubid = 0" +
		" OR k.contype <> 'n' AND (k.contype <> 'f' OR k.conparentid = 0)) AND d.objid <> ALL (" + array(objects, "oid") + "))" +
		" AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = ANY (" + array(tables, "oid") + ") AND h.inhrelid <> ALL (" + array(tables, "oid") + "))"}
	for _, g := range k.Triggers {
		if triggerOf(t, g) == nil {
			continue
		}
		guards = append(guards, sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = {} AND g.tgname = {}"+
			" AND g.tgenabled IN ('O', 'A') AND pg_catalog.concat(g.xmin, ' ', p.xmin) = {})", g.Table, sqltext.Value(g.Name), sqltext.Value(g.Written)))
	}
	return strings.Join(guards, " AND ")
}
