package step

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/trust"
)

// FunctionName is the name of the function that makes the values.
const FunctionName = "uuid_generate_v7"

// bodyBefore18 is the source for PostgreSQL 13 to 17. It is one expression, so that the server can inline it, and reads
// the clock once, since two reads could give values in the wrong order. Microseconds since 1970 times 512/125 have the
// milliseconds in the upper 48 bits and their fraction, in 1/4096, in the lower 12: fifteen hexadecimal digits, to which
// the version is added as the thirteenth (RFC 9562, sections 5.7 and 6.2, method 3). The variant and the 62 random bits
// come from a version 4 uuid, from its twentieth character on.
const bodyBefore18 = `SELECT (
  pg_catalog.overlay(
    pg_catalog.lpad(pg_catalog.to_hex(
      (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8
        OPERATOR(pg_catalog.*) 512 OPERATOR(pg_catalog./) 125), 15, '0'),
    '7', 13, 0)
  OPERATOR(pg_catalog.||)
  pg_catalog.substr(pg_catalog.gen_random_uuid()::pg_catalog.text, 20)
)::pg_catalog.uuid`

// bodyFrom18 calls the server's own function, which is monotonic within a backend.
const bodyFrom18 = `SELECT pg_catalog.uuidv7()`

// EnsureFunction creates uuid_generate_v7() in the schema, or replaces an older one of rekey's or a library's.
type EnsureFunction struct{ Schema string }

// ID implements Step.
func (s EnsureFunction) ID() ID { return ID(s.Schema + "/ensure-function") }

// Explain implements Step.
func (s EnsureFunction) Explain() Explanation {
	return Explanation{
		What:     "create " + s.Schema + "." + FunctionName + "()",
		Undo:     "nothing: the function stays",
		Why:      "it is the columns' default: it needs no extension and works with any search_path",
		Lock:     lockWords(nil),
		Scans:    "nothing",
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

// Undo implements Step. The function stays: other defaults may call it.
func (s EnsureFunction) Undo(View) []Action { return nil }

// Rows implements Step.
func (EnsureFunction) Rows() RowReader { return nil }

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

// Expression returns the function's SQL expression, which gives such values without a call of the function. It is not a
// subquery: PostgreSQL evaluates a subquery without FROM once for all rows.
func Expression(major int) string { return strings.TrimPrefix(body(major), "SELECT ") }

// FunctionServes reports whether a function can be the columns' default as it is: rekey's own for this version of the
// server, or a usable one that the role may not replace.
func FunctionServes(f *catalog.Function, server catalog.Server) bool {
	if f == nil || trust.OfFunction(server.Role, *f) == trust.Untrusted {
		return false
	}
	return isOurs(f, server.Major()) || !FunctionReplaceable(f, server) && FunctionUsable(f, server)
}

// FunctionReplaceable reports whether the function has the source of rekey's or a known library's and the role may replace it.
// Its attributes, such as IMMUTABLE, do not matter.
func FunctionReplaceable(f *catalog.Function, server catalog.Server) bool {
	known := f.Original != nil || slices.Contains([]string{md5Hex(bodyBefore18), md5Hex(bodyFrom18)}, f.SourceMD5)
	return trust.OfFunction(server.Role, *f) != trust.Untrusted && f.Owned && f.Extension == "" && f.Kind == "f" && f.Returns == "uuid" && known
}

// FunctionUsable reports whether the function makes UUIDv7: its source is known, or calling it has shown it.
func FunctionUsable(f *catalog.Function, server catalog.Server) bool {
	if FunctionFault(f) != "" {
		return false
	}
	return FunctionKnown(f, server.Major()) || FunctionCallable(f, server) && f.Proof != nil && f.Proof.V7
}

// FunctionCallable reports whether the function has to be called to see what it makes, and the role may safely call it.
func FunctionCallable(f *catalog.Function, server catalog.Server) bool {
	return trust.OfFunction(server.Role, *f) == trust.Trusted && FunctionFault(f) == "" && !FunctionKnown(f, server.Major())
}

// FunctionKnown reports whether a function has the source of rekey's or a known library's and makes UUIDv7 on this version of
// the server.
func FunctionKnown(f *catalog.Function, major int) bool {
	return isOurs(f, major) || plain(f) && f.Language == "sql" && f.SourceMD5 == md5Hex(bodyBefore18) || FunctionOriginal(f)
}

// FunctionOriginal reports whether a function is a known library's own, which may need an extension.
func FunctionOriginal(f *catalog.Function) bool {
	return plain(f) && f.Language == "plpgsql" && f.Original != nil
}

// FunctionFault returns the reason why a function cannot be a column's default, or "".
func FunctionFault(f *catalog.Function) string {
	switch {
	case f.Kind != "f":
		return "it is not an ordinary function"
	case f.Returns != "uuid":
		return "it returns " + f.Returns
	case !f.Volatile:
		return "it is not volatile: one statement could get the same value for every row"
	}
	return ""
}

func isOurs(f *catalog.Function, major int) bool {
	return plain(f) && f.Language == "sql" && f.ParallelSafe && f.SourceMD5 == md5Hex(body(major))
}

// plain reports whether a function has the default attributes.
func plain(f *catalog.Function) bool {
	return FunctionFault(f) == "" && !f.Strict && !f.Definer && !f.Leakproof && len(f.Config) == 0
}

// CallsNamed reports whether a column's default only calls a function of that name, in any schema.
func CallsNamed(c *catalog.Column, name string) bool {
	return strings.HasSuffix(c.Calls, "."+sqltext.Ident(name))
}

func md5Hex(source string) string {
	digest := md5.Sum([]byte(source)) // a fingerprint to compare with md5(prosrc), not a secret
	return hex.EncodeToString(digest[:])
}

// AfterApply implements Step.
func (s EnsureFunction) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	made := catalog.Function{Schema: s.Schema, Name: FunctionName, Owner: v.Server.Role.Name, Owned: true, OwnedByRole: true}
	if v.Schema.Function != nil {
		made = *v.Schema.Function
	}
	made.SourceMD5, made.Returns, made.Language = md5Hex(body(v.Server.Major())), "uuid", "sql"
	made.Volatile, made.ParallelSafe, made.Kind, made.Digest, made.Original = true, true, "f", "", nil
	made.Strict, made.Definer, made.Leakproof, made.Config = false, false, false, nil
	v.Schema.Function = &made
	return v
}

// AfterUndo implements Step.
func (s EnsureFunction) AfterUndo(v View) View { return v }

// Source returns md5(pg_proc.prosrc) of rekey's function on a major version of the server.
func (s EnsureFunction) Source(major int) string { return md5Hex(body(major)) }

// ApplyScript implements Step.
func (s EnsureFunction) ApplyScript(v View) []Statement {
	create := onlyOne(s.Apply(v))
	if create == nil {
		return nil
	}
	e := s.Explain()
	function := sqltext.Table{Schema: s.Schema, Name: FunctionName}
	return []Statement{scripted(create, "create_function", e.What+"; "+e.Why,
		condition.Not(condition.FunctionIs(function, s.Source(v.Server.Major()))))}
}

// UndoScript implements Step.
func (s EnsureFunction) UndoScript(View) []Statement { return nil }
