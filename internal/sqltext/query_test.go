package sqltext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWithoutValues(t *testing.T) {
	for query, want := range map[string]string{
		"":                                                       "",
		"SELECT 1":                                               "SELECT ?",
		"SELECT * FROM a WHERE b = 'SECRET'":                     "SELECT * FROM a WHERE b = ?",
		"SELECT length('SECRET":                                  "SELECT length(…",
		"SELECT length('SECRET''":                                "SELECT length(…",
		"SELECT 'it''s SECRET', a":                               "SELECT ?, a",
		`SELECT E'it\'s SECRET', a`:                              "SELECT ?, a",
		`SELECT e'\\', 'SECRET', a`:                              "SELECT ?, ?, a",
		`SELECT E'SECRET\`:                                       "SELECT …",
		`SELECT E'SECRET\'`:                                      "SELECT …",
		`SELECT 'a\', SECRET, ' b`:                               "SELECT …",
		`SELECT 'a\\', 'SECRET', b`:                              "SELECT ?, ?, b",
		`SELECT 'C:\dir', a`:                                     "SELECT ?, a",
		`SELECT 'SECRET\`:                                        "SELECT …",
		"SELECT E'a'\n'it\\'s SECRET'":                           "SELECT ? …",
		`SELECT U&'\0041 SECRET' UESCAPE '!'`:                    "SELECT U&? UESCAPE ?",
		`SELECT U&"SECR\0045T"`:                                  `SELECT U&"SECR\0045T"`,
		"SELECT B'0101', X'5EC2E7', N'SECRET'":                   "SELECT ?, ?, ?",
		"SELECT xE'SECRET'":                                      "SELECT xE?",
		"SELECT $$SECRET$$, $a$SECRET $$ $b$ ' $a$, b":           "SELECT ?, ?, b",
		"SELECT $a$SECRET $$":                                    "SELECT …",
		"SELECT $a$SECRET $a":                                    "SELECT …",
		"SELECT $a":                                              "SELECT …",
		"SELECT a$b$c FROM t":                                    "SELECT a$b$c FROM t",
		"SELECT $1, $2::text":                                    "SELECT $1, $2::text",
		"SELECT /* it's SECRET */ a /* /* ' */ SECRET */, b":     "SELECT a , b",
		"SELECT a /* SECRET":                                     "SELECT a …",
		"SELECT a /* /* */ SECRET":                               "SELECT a …",
		"SELECT a -- it's SECRET\n, 'SECRET', b":                 "SELECT a , ?, b",
		"SELECT a -- SECRET":                                     "SELECT a",
		"SELECT -1.5e-7, .5, 0x1F, 1_000, 1..2, t1.c":            "SELECT -?-?, ?, ?, ?, ?, t1.c",
		`SELECT "a ""b'", 'SECRET' FROM "T"`:                     `SELECT "a ""b'", ? FROM "T"`,
		`SELECT "SECRET`:                                         "SELECT …",
		"CREATE USER u PASSWORD 'SECRET'":                        "CREATE USER u PASSWORD ?",
		"SET app.token = SECRET":                                 "SET app.token =?",
		"set app.token to SECRET, SECRET":                        "set app.token to ?",
		"SET LOCAL app.token TO 'SECRET'; SELECT a":              "SET LOCAL app.token TO ?; SELECT a",
		"ALTER ROLE u SET app.token = \"SECRET\"":                "ALTER ROLE u SET app.token =?",
		"CREATE FUNCTION f() RETURNS int SET app.token = SECRET": "CREATE FUNCTION f() RETURNS int SET app.token =?",
		"UPDATE t SET a = b WHERE c = 'SECRET'":                  "UPDATE t SET a = b WHERE c = ?",
		"COPY t FROM STDIN;\n1\tSECRET\n\\.":                     "COPY t FROM STDIN…",
		"COPY t FROM 'SECRET'":                                   "COPY t FROM ?",
		"1\tSECRET\\N":                                           "? SECRET…", // no SQL, and no literal of it
		"UPDATE t\n  SET a = 'SECRET'\n  WHERE b":                "UPDATE t SET a = ? WHERE b",
		"SELECT ünïcode FROM täble WHERE x='SECRÉT'":             "SELECT ünïcode FROM täble WHERE x=?",
		"SELECT '\xc3":                                           "SELECT …",
		"SELECT 'é\xe2\x82":                                      "SELECT …",
		"PREPARE TRANSACTION 'SECRET'":                           "PREPARE TRANSACTION ?",
		"SELECT 1E'SECRET'":                                      "SELECT ??",
		"BEGIN; INSERT INTO t VALUES (1, 'SECRET'); SELECT a(3)": "BEGIN; INSERT INTO t VALUES (?, ?); SELECT a(?)",
	} {
		got := WithoutValues(query)
		if got != want {
			t.Errorf("%q became %q, not %q", query, got, want)
		}
	}
}

// FuzzWithoutValues writes a marked value in every form of a constant between other text, and truncates the query anywhere.
// The result must not contain a character of the value, for either setting of standard_conforming_strings.
func FuzzWithoutValues(f *testing.F) {
	f.Add("it's", uint8(0), uint8(1), uint16(9))
	f.Add(`\' -- `, uint8(1), uint8(2), uint16(40))
	f.Add("$$ /* ", uint8(3), uint8(4), uint16(33))
	f.Add(`\\'`, uint8(2), uint8(9), uint16(500))
	f.Add("é\xe2\x82", uint8(5), uint8(6), uint16(23))
	f.Fuzz(func(t *testing.T, content string, form, around uint8, end uint16) {
		query := marked(content, form, around)
		if n := int(end); n < len(query) {
			query = query[:n]
		}
		got := WithoutValues(query)
		if strings.ContainsAny(got, "ZÞ") {
			t.Errorf("%q became %q", query, got)
		}
	})
}

// marked returns a query with a value in a form. Every second character of the value is Z or Þ.
func marked(content string, form, around uint8) string {
	var value strings.Builder
	value.WriteByte('Z')
	for _, r := range content {
		if r == utf8.RuneError || r == 0 || r >= 'A' && r <= 'Z' {
			continue
		}
		value.WriteRune(r)
		value.WriteString("ZÞ")
	}
	text := value.String()
	double := strings.NewReplacer("'", "''")
	escape := strings.NewReplacer("'", `\'`, `\`, `\\`)
	mixed := strings.NewReplacer("'", "''", `\`, `\\`)
	tag := "$q$"
	for strings.Contains(text+"$", "$q") || strings.Contains(text, tag) {
		text = strings.ReplaceAll(text, "$", "§")
	}
	before := []string{
		"", "select ", "select a, ", "select 'b''c', ", `select e'\'', `, "select /* ' */ ", "select -- '\n", `select "a'b", `, "select $$'$$, ", "update t set x = ", `select 'd\\', `,
	}[int(around)%11]
	switch form % 8 {
	case 0:
		text = "'" + double.Replace(text) + "'"
	case 1:
		text = "E'" + escape.Replace(text) + "'"
	case 2:
		text = "e'" + mixed.Replace(text) + "'"
	case 3:
		text = tag + text + tag
	case 4:
		text = "'" + escape.Replace(text) + "'" // standard_conforming_strings = off
	case 5:
		text = "N'" + double.Replace(text) + "'"
	case 6:
		text = "/* " + strings.NewReplacer("/", "", "*", "").Replace(text) + " */"
	case 7:
		text = "-- " + strings.NewReplacer("\n", "", "\r", "").Replace(text) + "\n"
	}
	return before + text + ", c from t where d = 'Z' and e = $$Z$$"
}

func TestCheckQuery(t *testing.T) {
	for sql, part := range map[string]string{
		"SELECT true": "", " select 'a;b' ; ": "", "/* why */ (SELECT 1)": "", "WITH a AS (SELECT 1) SELECT * FROM a": "", "VALUES (true)": "", "TABLE app.stop": "",
		"SELECT E'\\';'": "", "SELECT $$;$$;": "", "-- why\nSELECT 1": "",
		"":                                "does not begin",
		";":                               "does not begin",
		"COPY (SELECT 1) TO PROGRAM 'id'": "does not begin",
		"SELECT 1; COPY (SELECT 1) TO PROGRAM 'id'": "more than one",
		"SELECT 1;;": "more than one",
		`SELECT 'a\'; COPY x TO PROGRAM 'id'; --'`: "backslash",
		"SELECT 'a":                "does not end",
		"SELECT 1 /*":              "does not end",
		"SELECTED":                 "does not begin",
		"\"SELECT\" 1":             "does not begin",
		"EXPLAIN ANALYZE SELECT 1": "does not begin",
		"DO $$BEGIN END$$":         "does not begin",
		"DELETE FROM t":            "does not begin",
		"CALL p()":                 "does not begin",
		"SET x = 1":                "does not begin",
		"SELECT 1\x00":             "does not end",
	} {
		reason := CheckQuery(sql)
		if (reason == "") != (part == "") || !strings.Contains(reason, part) {
			t.Errorf("%q: %q", sql, reason)
		}
	}
}
