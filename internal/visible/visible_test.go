package visible

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// hostile returns characters that a terminal executes, or shows as nothing or as another character.
func hostile() []string {
	return []string{
		"\x00", "\x07", "\x08", "\r", "\x1b[2J", "\x1b]0;x\x07", "\x7f", "\u0085", "\u009b2J", "\u00ad", "\u034f", "\u061c", "\u115f", "\u180e",
		"\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2066", "\u2067",
		"\u2068", "\u2069", "\u2800", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\ufff9", "\U000e0001", "\U000e0041", "\U000e0100", "\u00a0", "\u3000",
		"\xff", "\xc3", "\xed\xa0\x80", "\ue000",
	}
}

func TestEscapesHostileCharacters(t *testing.T) {
	for _, evil := range hostile() {
		for _, text := range []string{Line("a" + evil + "b"), Text("a" + evil + "b"), Quote("a" + evil + "b")} {
			for _, r := range text {
				if r < ' ' || r > '~' {
					t.Errorf("%q became %q", evil, text)
				}
			}
			if !strings.Contains(text, `\`) {
				t.Errorf("%q was lost: %q", evil, text)
			}
		}
		document, err := json.Marshal(map[string]string{"name": "a" + evil + "b"})
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(document)
		var before, after map[string]string
		if json.Unmarshal(document, &before) != nil || json.Unmarshal(safe, &after) != nil || before["name"] != after["name"] {
			t.Errorf("%s became %s", document, safe)
		}
		if evil != "\xff" && evil != "\xc3" && evil != "\xed\xa0\x80" && !Safe(string(safe)) { // those are U+FFFD already
			t.Errorf("%s is left", safe)
		}
	}
	for _, text := range []string{"", "público", "用户", "a b", "naïve — “x”…", "👩", `back\slash`} {
		if Line(text) != text || string(JSON([]byte(text))) != text {
			t.Errorf("%q became %q", text, Line(text))
		}
	}
	if got := Text("a\n\tb\x1b"); got != "a\n\tb\\x1b" {
		t.Errorf("%q", got)
	}
	if got := Line("a\n\tb"); got != `a\n\tb` {
		t.Errorf("%q", got)
	}
}

func TestQuoteWithholdsSecrets(t *testing.T) {
	for _, text := range []string{
		"postgres://app:hunter2@h/db", "POSTGRES://app:hunter2@h", "//app:hunter2@h", "app:hunter2@h", "ecto://hunter2", "host=h password=hunter2", "password=hunter2",
		"PGPASSWORD=hunter2", "sslpassword = hunter2", "pwd:hunter2", "api_key=hunter2", "Authorization: hunter2", "postgres%3A%2F%2Fapp%3Ahunter2%40h",
		"app%253Ahunter2%2540h", "x?password=hunter2", "a\npassword=hunter2", "u:p\nhunter2@h", "postgresql:hunter2", `{"password":"hunter2"}`, "host=a user=hunter2",
		"Bearer hunter2", "https://hunter2",
	} {
		if got := Quote(text); got != Withheld || strings.Contains(Path(text), "hunter") {
			t.Errorf("%q became %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"pubilc": `"pubilc"`, "tenant_*": `"tenant_*"`, "a b": `"a b"`, "": `""`, "orders=created": `"orders=created"`, "/etc/rekey.yaml": `"/etc/rekey.yaml"`,
		"password_resets": `"password_resets"`, "a@b": `"a@b"`, "a%": `"a%"`, `C:\rekey.yaml`: `"C:\rekey.yaml"`,
		strings.Repeat("x", 500): `"` + strings.Repeat("x", 79) + `…"`,
	} {
		if got := Quote(text); got != want {
			t.Errorf("%q became %s", text, got)
		}
	}
}

// No value of a row is printed with an error of the server, in any language of its messages.
func TestErrorOmitsValues(t *testing.T) {
	for _, c := range []struct {
		e    pgconn.PgError
		want string
	}{
		{pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type integer: "SECRET"`}, "invalid input syntax for type integer: ?"},
		{pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type integer: "SECRET" and "SECRET, more"`}, "invalid input syntax for type integer: ?"},
		{pgconn.PgError{Code: "22P02", Message: "ungültige Eingabesyntax für Typ integer: „SECRET“"}, "ungültige Eingabesyntax für Typ integer: ?"},
		{pgconn.PgError{Code: "22P02", Message: "syntaxe en entrée invalide pour le type integer : « SECRET »"}, "syntaxe en entrée invalide pour le type integer : ?"},
		{pgconn.PgError{Code: "22P02", Message: `invalid input value for enum color: "SECRET"`}, "invalid input value for enum color: ?"},
		{pgconn.PgError{Code: "22003", Message: `value "SECRET" is out of range for type integer`}, "value ? is out of range for type integer"},
		{pgconn.PgError{Code: "22021", Message: `invalid byte sequence for encoding "UTF8": 0x53 0x45`}, `invalid byte sequence for encoding "UTF8": ?`},
		{pgconn.PgError{Code: "22012", Message: "division by zero"}, "division by zero"},
		{pgconn.PgError{Code: "22P02", Message: `unterminated "SECRET`}, "unterminated ?"},
		{pgconn.PgError{Code: "42601", Message: `syntax error at or near "SECRET"`}, "syntax error at or near ?"},
		{pgconn.PgError{Code: "42703", Message: `column "uuid" does not exist`}, `column "uuid" does not exist`},
		{pgconn.PgError{Code: "23505", Message: `could not create unique index "i"`, Detail: "Key (email)=(SECRET) is duplicated."}, `could not create unique index "i"`},
		{pgconn.PgError{Code: "23514", Message: `new row for relation "t" violates check constraint "c"`, Detail: "Failing row contains (1, SECRET)."}, `new row for relation "t" violates check constraint "c"`},
		{pgconn.PgError{Code: "53100", Message: `could not extend file "base/5/2": No space left on device`}, `could not extend file "base/5/2": No space left on device`},
		{pgconn.PgError{Code: "P0001", Message: "no SECRET here", Where: "PL/pgSQL function app.guard(text) line 3 at RAISE\nSQL SECRET"}, "an error that function app.guard raised; its text is in the server's log"},
		{pgconn.PgError{Code: "23514", Message: "SECRET", Routine: "exec_stmt_raise", Where: `PL/pgSQL function "My App"."a b"(text) line 3 at RAISE`}, `an error that function "My App"."a b" raised; its text is in the server's log`},
		{pgconn.PgError{Code: "P0001", Message: "SECRET"}, "an error that a function raised; its text is in the server's log"},
		{pgconn.PgError{Code: "38000", Message: "SECRET", File: "plperl.c"}, "an error that a function raised; its text is in the server's log"},
		{pgconn.PgError{Code: "42P01", Message: "a\x1b[2J\n\u202eb"}, `a\x1b[2J \u202eb`},
	} {
		c.e.Severity = "ERROR"
		if got := ServerMessage(&c.e); got != c.want {
			t.Errorf("%q became %q, not %q", c.e.Message, got, c.want)
		}
		for _, err := range []error{&c.e, fmt.Errorf("outside: %w", &c.e), errors.Join(errors.New("first"), &c.e), fmt.Errorf("%s, %s: %w", c.e.Message, c.e.Detail, &c.e)} {
			if got := Error(err); strings.Contains(got, "SECRET") || !strings.Contains(got, c.want) {
				t.Errorf("%v became %q", err, got)
			}
		}
	}
	if got := Error(errors.New("a\x1bb")); got != `a\x1bb` {
		t.Errorf("%q", got)
	}
}
