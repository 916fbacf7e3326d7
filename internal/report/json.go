package report

import (
	"bytes"
	"encoding/json"

	"github.com/rekey-pg/rekey/internal/visible"
)

// JSON returns a report as indented JSON, with escapes for characters that a terminal would hide.
func JSON(r Report) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return "", err
	}
	return string(visible.JSON(text.Bytes())), nil
}
