package sqltext

import "testing"

func TestTokens(t *testing.T) {
	const sql = `USING btree ("P ""id", lower(x)) /* why */ WHERE (a IS NOT NULL)`
	tokens, ok := Tokens(sql)
	if !ok || Join(tokens) != `USING btree ("P ""id", lower(x)) WHERE (a IS NOT NULL)` {
		t.Errorf("%t %q", ok, Join(tokens))
	}
	if name, ok := tokens[3].Name(); !ok || name != `P "id` {
		t.Errorf("name %q", name)
	}
	if _, ok := tokens[2].Name(); ok || !tokens[2].Is("(") || !tokens[0].Is("using") {
		t.Error("a symbol is no name, and a keyword has no case")
	}
	if _, ok := Tokens("'open"); ok {
		t.Error("a text that does not end has tokens")
	}
}

func TestSameTokens(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`USING btree (p_id DESC)`, `USING  btree ("p_id" DESC)`, true},
		{`("P_id")`, `(p_id)`, false},
		{`(a, b)`, `(a)`, false},
		{`'a'`, `a`, false},
		{`'a'`, `'b'`, false},
		{`'a'`, `'a`, false},
	} {
		if got := SameTokens(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: %t", c.a, c.b, got)
		}
	}
}

func TestConstant(t *testing.T) {
	for sql, want := range map[string]string{
		`'it''s'`: "it's", `E'a\'b\\n\nc'`: "a'b\\n\nc", `$$a 'b'$$`: "a 'b'", `$q$ $1 $q$`: " $1 ", `''`: "", `E''`: "",
	} {
		tokens, ok := Tokens(sql)
		if got, constant := tokens[0].Constant(); !ok || len(tokens) != 1 || !constant || got != want {
			t.Errorf("%s: %q %t", sql, got, constant)
		}
	}
	for _, sql := range []string{"$1", "a", `"a"`, "1", "B'1'", "+"} {
		tokens, _ := Tokens(sql)
		if got, constant := tokens[0].Constant(); constant {
			t.Errorf("%s: %q", sql, got)
		}
	}
}

func TestFoldsAsPostgreSQL(t *testing.T) {
	tokens, _ := Tokens("ÉTAT")
	if name, _ := tokens[0].Name(); name != "État" {
		t.Error(name)
	}
}
