package phoenixkit_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/known"
	"github.com/rekey-pg/rekey/internal/pg"
	planning "github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// TestDigest: PhoenixKit's function is recognized in every edition that its migrations create: with comments, without
// comments, and with the schema of pgcrypto. A changed function is not.
func TestDigest(t *testing.T) {
	const without = "292ef534760bf683c00d513da1ce7064" // md5 of the body without comments
	editions := map[string]string{}
	for _, name := range []string{"v40", "v56", "later"} {
		text, err := os.ReadFile("testdata/uuid_generate_v7_" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		editions[name] = string(text)
	}
	if !strings.Contains(editions["v40"], "-- Get") || strings.Contains(editions["v56"], "--") || !strings.Contains(editions["later"], "public.gen_random_bytes") {
		t.Fatal("the test data is not as expected")
	}
	editions["a quoted schema"] = strings.ReplaceAll(editions["v56"], "gen_random_bytes", `"my x" . gen_random_bytes`)
	editions["carriage returns"] = strings.ReplaceAll(editions["v40"], "\n", "\r\n")
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for name, text := range editions {
			f := functionOf(t, c, text)
			if f.Digest != phoenixkit.Profile().Function.Digest || !step.FunctionOriginal(f) {
				t.Errorf("%s: digest %s is not recognized", name, f.Digest)
			}
			if name == "v56" && f.SourceMD5 != without {
				t.Errorf("v56: md5 %s", f.SourceMD5)
			}
		}
		for name, text := range map[string]string{
			"another bit":                strings.ReplaceAll(editions["v56"], "112", "64"),
			"another function":           strings.ReplaceAll(editions["later"], "public.gen_random_bytes", "public.other_bytes"),
			"one call more":              strings.ReplaceAll(editions["v56"], "RETURN encode", "PERFORM now(); RETURN encode"),
			"a comment inside a comment": strings.ReplaceAll(editions["v56"], "RETURN encode", "/* -- */ RETURN NULL; RETURN encode"),
		} {
			if f := functionOf(t, c, text); step.FunctionOriginal(f) {
				t.Errorf("%s: digest %s is recognized as PhoenixKit's", name, f.Digest)
			}
		}
	})
}

func functionOf(t *testing.T, c *server.Cluster, text string) *catalog.Function {
	t.Helper()
	pool := servertest.Pool(t, servertest.Database(t, c).URL)
	servertest.Execute(t, pool, "SET check_function_bodies = off; "+text)
	schemas := []catalog.Schema{{Name: "public"}}
	err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
		return inspect.Functions(t.Context(), tx, step.FunctionName, schemas, func(catalog.Schema) []string { return nil })
	})
	if err != nil || schemas[0].Function == nil {
		t.Fatalf("%v, %v", schemas[0].Function, err)
	}
	f := schemas[0].Function
	planning.Scope{Libraries: known.Libraries()}.Recognize(f)
	return f
}
