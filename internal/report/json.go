package report

import (
	"bytes"
	"encoding/json"

	"github.com/rekey-pg/rekey/internal/visible"
)

// JSON returns the document as indented JSON, with escapes for characters that a terminal would hide.
func JSON(d Document) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return "", err
	}
	return string(visible.JSON(text.Bytes())), nil
}
