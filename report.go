package rekey

import (
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/problem"
)

// Report is what Verify found: the JSON of `rekey verify --json`.
type Report struct {
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Profile is the name of the profile, "" for a Schema.
	Profile string `json:"profile"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Version is the version that is recorded, 0 without a profile.
	Version int `json:"version"`
	// OK is true if there are no differences.
	OK bool `json:"ok"`
	// Function is what was found of uuid_generate_v7().
	Function FunctionReport `json:"function"`
	// Tables has an entry for each table that was counted.
	Tables []TableReport `json:"tables"`
	// Edges has an entry for each edge that was counted; nil if none has a uuid column.
	Edges []EdgeReport `json:"edges,omitempty"`
	// Keys has an entry for each primary key that up has begun to switch; nil if there is none.
	Keys []KeyReport `json:"keys,omitempty"`
	// Absent lists the tables of the profile that do not exist.
	Absent []string `json:"absent"`
	// Skipped says why tables were skipped; see [Schema.SkipRefused].
	Skipped problem.List `json:"skipped,omitempty"`
	// Integrity is the check of the library's own rule; nil below the version that brings it.
	Integrity *IntegrityReport `json:"integrity,omitempty"`
	// Notes are sentences that are not differences.
	Notes []string `json:"notes,omitempty"`
	// Differences has one line for each fault, which begins with the table.
	Differences []string `json:"differences"`
}

// FunctionReport is what Verify found of the function uuid_generate_v7().
type FunctionReport struct {
	// Name is the schema-qualified name.
	Name string `json:"name"`
	// Exists is true if the function exists.
	Exists bool `json:"exists"`
	// MakesV7 is true if it returns UUIDs of version 7.
	MakesV7 bool `json:"makes_v7"`
	// Fault describes its fault, or "".
	Fault string `json:"fault,omitempty"`
	// Library is the library whose own function it is, or "".
	Library string `json:"library,omitempty"`
	// Note says what the library's own function depends on, or "".
	Note string `json:"note,omitempty"`
	// Unprivileged lists roles that may insert into a table and lack EXECUTE on the function.
	Unprivileged []string `json:"unprivileged"`
	// Unneeded is true if no table uses the function.
	Unneeded bool `json:"unneeded,omitempty"`
}

// TableReport is what Verify counted in one table.
type TableReport struct {
	// Table is the name without the schema.
	Table string `json:"table"`
	// OK is true if the table has no fault.
	OK bool `json:"ok"`
	// Rows is the number of rows.
	Rows int64 `json:"rows"`
	// Nulls is the number of rows without a value.
	Nulls int64 `json:"nulls"`
	// Duplicates is the number of values that occur more than once.
	Duplicates int64 `json:"duplicates"`
	// NotV7 is the number of values of another version that are faults.
	NotV7 int64 `json:"not_v7"`
	// Kept is the number of values of another version that existed before up.
	Kept int64 `json:"kept"`
	// Missing lists what the table lacks, such as "unique index".
	Missing []string `json:"missing,omitempty"`
	// Unique says, for a table with partitions or children and for a distributed table, among which rows the values are unique.
	Unique string `json:"unique,omitempty"`
	// Random is true if the values are of version 4, as requested.
	Random bool `json:"random,omitempty"`
	// NotV4 is the number of values that are not of version 4 and are faults, if Random.
	NotV4 int64 `json:"not_v4,omitempty"`
	// Order is the check of the order of the values; nil if there is none to check.
	Order *OrderReport `json:"order,omitempty"`
	// Copies compares the copies of a reference table of a Citus cluster; nil for any other table.
	Copies *CopiesReport `json:"copies,omitempty"`
}

// CopiesReport compares the keys and UUIDs of the copies of a reference table: each node of the cluster has one.
type CopiesReport struct {
	// Nodes is the number of nodes that have a copy.
	Nodes int `json:"nodes"`
	// Differ has a sentence for each node whose copy differs from the first node's. They are faults.
	Differ []string `json:"differ,omitempty"`
	// NotCompared says why the copies were not compared, or "".
	NotCompared string `json:"not_compared,omitempty"`
}

// KeyReport is what Verify found of one primary key that up has begun to switch.
type KeyReport struct {
	// Table is the table, without the schema.
	Table string `json:"table"`
	// Progress is how far the key is.
	Progress KeyState `json:"progress"`
	// OK is true if the key lacks nothing of its phase.
	OK bool `json:"ok"`
	// Missing lists what the key lacks.
	Missing []string `json:"missing,omitempty"`
}

// EdgeReport is what Verify counted in the rows of one edge. Rows without a reference have NULL in both columns.
type EdgeReport struct {
	// Table is the table with the integer column, without the schema.
	Table string `json:"table"`
	// Column is the integer column.
	Column string `json:"column"`
	// Parent is the table that it refers to, with its schema if that is another one.
	Parent string `json:"parent"`
	// UUIDColumn is the name of the uuid column.
	UUIDColumn string `json:"uuid_column"`
	// Progress is what exists of the edge.
	Progress EdgeState `json:"progress"`
	// OK is true if the edge has no fault.
	OK bool `json:"ok"`
	// Rows is the number of rows.
	Rows int64 `json:"rows"`
	// Mismatches is the number of rows whose two columns refer to different rows of the parent.
	Mismatches int64 `json:"mismatches"`
	// Orphans is the number of rows whose integer refers to no row of the parent.
	Orphans int64 `json:"orphans"`
	// OrphanKeys lists some of the integers of orphans.
	OrphanKeys []string `json:"orphan_keys,omitempty"`
	// OneSided is the number of rows with a value in only one of the two columns, orphans excluded.
	OneSided int64 `json:"one_sided"`
	// Missing lists what the edge lacks, such as "foreign key".
	Missing []string `json:"missing,omitempty"`
}

// OrderReport is the result of one scan of a table in the order of its UUIDs. Every row is either judged or
// counted under the reason why it is not.
type OrderReport struct {
	// Source is "column" or "now", "" if the journal does not know.
	Source string `json:"source,omitempty"`
	// Column is the creation-time column. "" with Source "column" means key order.
	Column string `json:"column,omitempty"`
	// Judged is the number of rows that were judged.
	Judged int64 `json:"judged"`
	// PairsOutOfOrder is the number of judged neighbors in the wrong order. They are faults.
	PairsOutOfOrder int64 `json:"pairs_out_of_order"`
	// TimesDiffer is the number of judged rows whose UUID has another time than the column. They are faults.
	TimesDiffer int64 `json:"times_differ"`
	// ClampedEarly is the number of judged rows with a time before 1970.
	ClampedEarly int64 `json:"clamped_early"`
	// ClampedLate is the number of judged rows with a time at or after the cutoff.
	ClampedLate int64 `json:"clamped_late"`
	// WithoutTime is the number of rows that are not judged because they have no time.
	WithoutTime int64 `json:"without_time"`
	// New is the number of rows that are not judged because the application inserted them after the cutoff.
	New int64 `json:"new"`
	// Found is the number of rows that are not judged because their values may be older than up.
	Found int64 `json:"found"`
	// OtherVersion is the number of rows that are not judged because their value is not a UUIDv7.
	OtherVersion int64 `json:"other_version"`
	// NotJudged says why no row was judged, or "".
	NotJudged string `json:"not_judged,omitempty"`
}

// IntegrityReport is the check of a library's own rule: from [Profile.KeyedFrom] on, the column of every table
// that has it is a uuid and NOT NULL, the table has a primary key, and no value occurs twice.
type IntegrityReport struct {
	// Tables is the number of tables that were checked.
	Tables int `json:"tables"`
	// Broken lists the tables that break the rule.
	Broken []BrokenTable `json:"broken"`
}

// BrokenTable is a table that breaks the rule of an [IntegrityReport].
type BrokenTable struct {
	// Table is the name without the schema.
	Table string `json:"table"`
	// Type is the type of the column.
	Type string `json:"type"`
	// Missing lists what the table lacks, such as "primary key".
	Missing []string `json:"missing,omitempty"`
	// Duplicates is the number of values that occur more than once.
	Duplicates int64 `json:"duplicates"`
}

func reportOf(r verify.Report) Report {
	report := Report{
		FormatVersion: event.FormatVersion, Profile: r.Profile, Schema: r.SchemaName, Version: r.Version, OK: r.OK,
		Function: FunctionReport(r.Function), Tables: []TableReport{}, Absent: list(r.Absent), Skipped: r.Skipped,
		Notes: r.Notes, Differences: list(r.Differences),
	}
	for _, t := range r.Tables {
		report.Tables = append(report.Tables, TableReport{
			Table: t.Table, OK: t.OK, Rows: t.Rows, Nulls: t.Nulls, Duplicates: t.Duplicates, NotV7: t.NotV7, Kept: t.Kept,
			Missing: t.Missing, Unique: t.Unique, Random: t.Random, NotV4: t.NotV4, Order: orderReport(t.Order),
			Copies: (*CopiesReport)(t.Copies),
		})
	}
	for _, e := range r.Edges {
		report.Edges = append(report.Edges, EdgeReport{
			Table: e.Table, Column: e.Column, Parent: e.Parent, UUIDColumn: e.UUIDColumn, Progress: EdgeState(e.Progress), OK: e.OK, Rows: e.Rows,
			Mismatches: e.Mismatches, Orphans: e.Orphans, OrphanKeys: e.OrphanKeys, OneSided: e.OneSided, Missing: e.Missing,
		})
	}
	for _, k := range r.Keys {
		report.Keys = append(report.Keys, KeyReport{Table: k.Table, Progress: KeyState(k.Progress), OK: k.OK, Missing: k.Missing})
	}
	if r.Integrity != nil {
		report.Integrity = &IntegrityReport{Tables: r.Integrity.Tables, Broken: []BrokenTable{}}
		for _, b := range r.Integrity.Broken {
			report.Integrity.Broken = append(report.Integrity.Broken, BrokenTable{Table: b.Table, Type: b.Type, Missing: b.Missing, Duplicates: b.Duplicates})
		}
	}
	return report
}

func orderReport(o *verify.OrderReport) *OrderReport {
	if o == nil {
		return nil
	}
	return &OrderReport{
		Source: o.Source, Column: o.Column, Judged: o.Judged, PairsOutOfOrder: o.PairsOutOfOrder, TimesDiffer: o.TimesDiffer,
		ClampedEarly: o.ClampedEarly, ClampedLate: o.ClampedLate, WithoutTime: o.WithoutTime, New: o.New, Found: o.Found, OtherVersion: o.OtherVersion,
		NotJudged: o.NotJudged,
	}
}
