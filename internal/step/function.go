package step

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/trust"
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

// original is the digest of PhoenixKit's body in every edition from its version 40 on; see catalog.Function.
const originalDigest = "e3c2cf9d3e28fea35b9aae7b1b5779b7"

// EnsureFunction makes uuid_generate_v7() in the schema, or takes over an older one of ours or of the
// original's.
type EnsureFunction struct{ Schema string }

// ID implements Step.
func (s EnsureFunction) ID() ID { return ID(s.Schema + "/ensure-function") }

// Explain implements Step.
func (s EnsureFunction) Explain() Explanation {
	return Explanation{
		What:   "create " + s.Schema + "." + FunctionName + "()",
		Undo:   "nothing: the function stays",
		Why:    "the columns' default: a UUIDv7 without any extension, under any search_path",
		Lock:   "none on any table",
		Scans:  "nothing",
		UndoneBy: Never,
	}
}

// Check implements Step.
func (s EnsureFunction) Check(v View) Outcome {
	return outcomeIf(FunctionServes(v.Schema.Function, v.Server), FunctionName+"() is missing or an older one")
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

// Expression is the SQL expression that the function consists of: the same values without a call of it.
// It is no subquery: one without a FROM would be evaluated once for all rows.
func Expression(major int) string { return strings.TrimPrefix(body(major), "SELECT ") }

// FunctionServes reports whether a function may be the columns' default as it is: ours for this version of
// the server, or one that may not be replaced and is usable.
func FunctionServes(f *catalog.Function, server catalog.Server) bool {
	if f == nil || trust.OfFunction(server.Role, *f) == trust.Untrusted {
		return false
	}
	return isOurs(f, server.Major()) || !FunctionReplaceable(f, server) && FunctionUsable(f, server)
}

// FunctionReplaceable reports whether the function is ours or PhoenixKit's, and the role may replace it:
// also where it has other attributes than the one that was made, such as IMMUTABLE.
func FunctionReplaceable(f *catalog.Function, server catalog.Server) bool {
	known := f.Digest == originalDigest || slices.Contains([]string{md5Hex(bodyBefore18), md5Hex(bodyFrom18)}, f.SourceMD5)
	return trust.OfFunction(server.Role, *f) != trust.Untrusted && f.Owned && f.Extension == "" && f.Kind == "f" && f.Returns == "uuid" && known
}

// FunctionUsable reports whether the function makes UUIDv7: its text says so, or the call of one that may
// be called.
func FunctionUsable(f *catalog.Function, server catalog.Server) bool {
	if FunctionFault(f) != "" {
		return false
	}
	return FunctionKnown(f, server.Major()) || FunctionCallable(f, server) && f.Proof != nil && f.Proof.V7
}

// FunctionCallable reports whether the role may call a function to see what it makes, and has to.
func FunctionCallable(f *catalog.Function, server catalog.Server) bool {
	return trust.OfFunction(server.Role, *f) == trust.Trusted && FunctionFault(f) == "" && !FunctionKnown(f, server.Major())
}

// FunctionKnown reports whether the text of a function is rekey's or PhoenixKit's, and makes UUIDv7 on this
// version of the server.
func FunctionKnown(f *catalog.Function, major int) bool {
	return isOurs(f, major) || plain(f) && f.Language == "sql" && f.SourceMD5 == md5Hex(bodyBefore18) || FunctionOriginal(f)
}

// FunctionOriginal reports whether a function is PhoenixKit's, which finds pgcrypto by the search_path or
// by its schema.
func FunctionOriginal(f *catalog.Function) bool {
	return plain(f) && f.Language == "plpgsql" && f.Digest == originalDigest
}

// FunctionFault says why a function of that name cannot be a default, whatever its text.
func FunctionFault(f *catalog.Function) string {
	switch {
	case f.Kind != "f":
		return "it is not an ordinary function"
	case f.Returns != "uuid":
		return "it returns " + f.Returns
	case !f.Volatile:
		return "it is not volatile: one statement would get the same value for every row"
	}
	return ""
}

func isOurs(f *catalog.Function, major int) bool {
	return plain(f) && f.Language == "sql" && f.ParallelSafe && f.SourceMD5 == md5Hex(body(major))
}

// plain reports whether a function has the attributes of one that was created without any.
func plain(f *catalog.Function) bool {
	return FunctionFault(f) == "" && !f.Strict && !f.Definer && !f.Leakproof && len(f.Config) == 0
}

// CallsNamed reports whether a column's default is a bare call of a function of that name, in
// whatever schema.
func CallsNamed(c *catalog.Column, name string) bool {
	return strings.HasSuffix(c.Calls, "."+sqltext.Ident(name))
}

func md5Hex(source string) string {
	digest := md5.Sum([]byte(source)) // as pg_proc's source is compared: a fingerprint, not a secret
	return hex.EncodeToString(digest[:])
}
