package event

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rekey-pg/rekey/internal/visible"
)

// FormatVersion is the version of the JSON that rekey writes, events and documents alike. It increases
// when a field changes its meaning or is removed; new fields and new events leave it as it is.
const FormatVersion = 2

// Line returns an event as one line of JSON, with its newline, that begins with the format version, the event's name and
// the time in UTC: {"format_version":2,"event":"progress","at":"…", …}.
func Line(e Event, at time.Time) ([]byte, error) {
	head, err := json.Marshal(struct {
		FormatVersion int       `json:"format_version"`
		Event         string    `json:"event"`
		At            time.Time `json:"at"`
	}{FormatVersion, e.name(), at.UTC()})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var line bytes.Buffer
	line.Write(head[:len(head)-1])
	if len(body) > len("{}") {
		line.WriteByte(',')
	}
	line.Write(body[1:])
	line.WriteByte('\n')
	return visible.JSON(line.Bytes()), nil
}
