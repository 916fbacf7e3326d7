package step

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// FunctionName is the name that V40 gave the function.
const FunctionName = "uuid_generate_v7"

// The body for PostgreSQL 13 to 17: one expression, so that it is inlined into the INSERT, and one
// clock read, since two would make inversions. The microseconds of the epoch times 512/125 are the
// milliseconds in the upper 48 bits and their fraction in 1/4096 in the lower 12: fifteen hex digits,
// into which the version goes as the thirteenth (RFC 9562, section 5.7 and section 6.2, method 3).
// The variant and the 62 random bits are those of a version 4 uuid, from its twentieth character on.
const bodyBefore18 = `SELECT (
  pg_catalog.overlay(
    pg_catalog.lpad(pg_catalog.to_hex(
      (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8
        OPERATOR(pg_catalog.*) 512 OPERATOR(pg_catalog./) 125), 15, '0'),
    '7', 13, 0)
  OPERATOR(pg_catalog.||)
  pg_catalog.substr(pg_catalog.gen_random_uuid()::pg_catalog.text, 20)
)::pg_catalog.uuid`

// From 18 on the server has its own: as fast as it gets, and monotonic within a backend.
const bodyFrom18 = `SELECT pg_catalog.uuidv7()`

// The original's bodies, known by the md5 of their source.
const (
	originalUntil1dot7dot188 = "61637137760f7e56d254c48629c0d146"
	originalLater            = "01ffea8ed8743df8517604290f53cd34"
)

// EnsureFunction makes uuid_generate_v7() in the schema, or takes over an older one of ours or of the
// original's.
type EnsureFunction struct{ Schema string }

// ID implements Step.
func (s EnsureFunction) ID() ID { return ID(s.Schema + "/ensure-function") }

// Explain implements Step.
func (s EnsureFunction) Explain() Explanation {
	return Explanation{
		What:   "create " + s.Schema + "." + FunctionName + "()",
		Back:   "nothing: the function stays",
		Why:    "the columns' default: a UUIDv7 without any extension, under any search_path",
		Lock:   "none on any table",
		Scans:  "nothing",
		Undone: Never,
	}
}

// Check implements Step.
func (s EnsureFunction) Check(v View) Verdict {
	return when(FunctionServes(v.Schema.Function, v.Server.Major()), FunctionName+"() is missing or an older one")
}

// Apply implements Step.
func (s EnsureFunction) Apply(v View) []Action {
	if s.Check(v).Done {
		return nil
	}
	return []Action{Change{Statements: []string{s.sql(v.Server.Major())}}}
}

// Undo implements Step: the function stays, as the original's does.
func (s EnsureFunction) Undo(View) []Action { return nil }

func (s EnsureFunction) sql(major int) string {
	return sqltext.Format("CREATE OR REPLACE FUNCTION {}() RETURNS pg_catalog.uuid\n"+
		"LANGUAGE sql VOLATILE PARALLEL SAFE AS {}",
		sqltext.Table{Schema: s.Schema, Name: FunctionName}, sqltext.Value(body(major)))
}

func body(major int) string {
	if major >= 18 {
		return bodyFrom18
	}
	return bodyBefore18
}

// FunctionServes reports whether a function may be the columns' default as it is: ours for this
// version of the server, or another's that proved to make UUIDv7.
func FunctionServes(f *catalog.Function, major int) bool {
	if f == nil {
		return false
	}
	if f.SourceMD5 == sum(body(major)) {
		return true
	}
	return !FunctionReplaceable(f) && FunctionUsable(f)
}

// FunctionReplaceable reports whether the function is ours, or the original's, and the role may
// replace it.
func FunctionReplaceable(f *catalog.Function) bool {
	known := []string{sum(bodyBefore18), sum(bodyFrom18), originalUntil1dot7dot188, originalLater}
	return f.Owned && f.Extension == "" && f.Returns == "uuid" && slices.Contains(known, f.SourceMD5)
}

// FunctionOriginal reports whether the function is PhoenixKit's own.
func FunctionOriginal(f *catalog.Function) bool {
	return slices.Contains([]string{originalUntil1dot7dot188, originalLater}, f.SourceMD5)
}

// FunctionUsable reports whether the function is an extension's or another owner's and was seen to
// make UUIDv7.
func FunctionUsable(f *catalog.Function) bool {
	return (f.Extension != "" || !f.Own) && f.Returns == "uuid" && f.Volatile && f.Proof != nil && f.Proof.V7
}

// CallsNamed reports whether a column's default is a bare call of a function of that name, in
// whatever schema.
func CallsNamed(c *catalog.Column, name string) bool {
	return strings.HasSuffix(c.Calls, "."+sqltext.Ident(name))
}

func sum(source string) string {
	digest := md5.Sum([]byte(source)) // as pg_proc's source is compared: a fingerprint, not a secret
	return hex.EncodeToString(digest[:])
}
