package ident_test

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/ident"
	"pgregory.net/rapid"
)

const (
	lower = "018f3b2e-7c41-7a5d-9e0f-00112233aabb"
	upper = "018F3B2E-7C41-7A5D-9E0F-00112233AABB"
)

func TestParseReadsIntegers(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "-7": -7, "10": 10,
		"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63,
	} {
		id, err := ident.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		if n, ok := id.Int64(); !ok || n != want || id.Kind() != ident.KindInteger {
			t.Errorf("Parse(%q) = %v (%v), want the integer %d", text, id, id.Kind(), want)
		}
		if _, ok := id.UUID(); ok {
			t.Errorf("Parse(%q) is also a UUID", text)
		}
	}
}

func TestParseReadsUUIDs(t *testing.T) {
	for _, text := range []string{
		lower, upper, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"12345678-1234-1234-1234-123456789012",
	} {
		id, err := ident.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		if u, ok := id.UUID(); !ok || u.String() != strings.ToLower(text) || id.Kind() != ident.KindUUID {
			t.Errorf("Parse(%q) = %v (%v)", text, id, id.Kind())
		}
		if _, ok := id.Int64(); ok {
			t.Errorf("Parse(%q) is also an integer", text)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range refused {
		id, err := ident.Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, id)
			continue
		}
		if syntax := new(ident.SyntaxError); !errors.As(err, &syntax) || syntax.Text != text || syntax.Reason == "" {
			t.Errorf("Parse(%q): %#v is not a SyntaxError of that text with a reason", text, err)
		}
		if !id.IsZero() {
			t.Errorf("Parse(%q) returned %v and an error", text, id)
		}
	}
}

var refused = []string{
	"", " ", "-", "--1", "+1", "-0", "00", "01", "-01", "1 ", " 1", "1\n", "1.0", "1e3", "0x10", "1_000", "1,000",
	"9223372036854775808", "-9223372036854775809", "18446744073709551616", strings.Repeat("9", 36), strings.Repeat("9", 5000),
	"٣", "\x00", "1\x00", "null", "nil", "1;DROP TABLE users",
	"{" + lower + "}", "urn:uuid:" + lower, strings.ReplaceAll(lower, "-", ""), lower[:35], lower + "0", lower + " ",
	"018f3b2e_7c41-7a5d-9e0f-00112233aabb", "018f3b2e7-c41-7a5d-9e0f-00112233aabb", "018f3b2e-7c41-7a5d-9e0f-00112233aabg",
	"018f3b2e-7c41-7a5d-9e0f-00112233aa-b", "-18f3b2e-7c41-7a5d-9e0f-00112233aabb", "018f3b2e-7c41-7a5d-9e0f-00112233aaé",
}

func TestErrorsDoNotRepeatLongTexts(t *testing.T) {
	_, err := ident.Parse(strings.Repeat("x", 1<<20))
	if err == nil || len(err.Error()) > 200 {
		t.Fatalf("an error of %d bytes", len(err.Error()))
	}
}

// oracle reports whether a text is an identifier, without the parser's code.
func oracle(text string) bool {
	if regexp.MustCompile(`\A(0|-?[1-9][0-9]*)\z`).MatchString(text) {
		n, _ := new(big.Int).SetString(text, 10)
		return n.IsInt64()
	}
	return regexp.MustCompile(`\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z`).MatchString(text)
}

func checkAgainstOracle(t interface{ Fatalf(string, ...any) }, text string) {
	id, err := ident.Parse(text)
	if (err == nil) != oracle(text) {
		t.Fatalf("Parse(%q) = %v, %v", text, id, err)
	}
	if err == nil && id.String() != strings.ToLower(text) {
		t.Fatalf("Parse(%q) reads back as %q", text, id)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range append(refused, lower, upper, "0", "-1", "9223372036854775807") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkAgainstOracle(t, text) })
}

func TestParseAgreesWithItsGrammar(t *testing.T) {
	nearly := rapid.OneOf(
		rapid.StringMatching(`[-+]?[0-9]{0,21}`),
		rapid.StringMatching(`[0-9a-fA-Fg]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`),
		rapid.StringMatching(`[0-9a-f-]{36}`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) { checkAgainstOracle(t, nearly.Draw(t, "text")) })
}
