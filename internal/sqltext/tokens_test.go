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
