package sqltext

import "testing"

func TestIsExpression(t *testing.T) {
	for expression, want := range map[string]bool{
		"gen_random_uuid()":                            true,
		`"Auth-Kit"."uuid;generate"()`:                 true,
		"'0198c0de-0000-4000-8000-000000000001'::uuid": true,
		"md5((random())::text)::uuid":                  true,
		"COALESCE(f(1, 2), 'a;b,c--'::text)::uuid":     true,
		"'it''s'::text":                                true,
		"(ARRAY[1, 2])[1]":                             true,
		"":                                             false,
		" ":                                            false,
		"1; ALTER ROLE x SUPERUSER":                    false,
		"1, ADD COLUMN y uuid DEFAULT evil()":          false,
		"1) , ADD COLUMN y uuid DEFAULT (evil()":       false,
		"1 -- and the rest":                            false,
		"1 /* and the rest":                            false,
		"'never ends":                                  false,
		`E'\'; ALTER ROLE x SUPERUSER; --'`:            false,
		"$$;$$":                                        false,
		"f(":                                           false,
		"[1)":                                          true, // the server refuses it
	} {
		if got := IsExpression(expression); got != want {
			t.Errorf("IsExpression(%q) is %v", expression, got)
		}
	}
}
