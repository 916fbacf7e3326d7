package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// ErrUnknown reports a line with an event or a format version that this version of rekey does not know: a newer one wrote
// it. Programs that read lines skip it.
var ErrUnknown = errors.New("event: unknown event")

// Parse returns the event and the time of a line that [Line] wrote. The error is [ErrUnknown], compared with errors.Is, for
// an event of a newer version; any other error says that the text is not a line of rekey. Unknown fields are ignored. The
// Cause of a problem is not part of a line.
func Parse(line []byte) (Event, time.Time, error) {
	var head struct {
		FormatVersion int       `json:"format_version"`
		Event         string    `json:"event"`
		At            time.Time `json:"at"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, time.Time{}, fmt.Errorf("event: not a line of rekey: %w", err)
	}
	if head.FormatVersion < 1 || head.Event == "" {
		return nil, time.Time{}, errors.New("event: not a line of rekey: it has no format version or no event")
	}
	if head.FormatVersion > FormatVersion {
		return nil, head.At, fmt.Errorf("%w: %s of format version %d", ErrUnknown, head.Event, head.FormatVersion)
	}
	for _, kind := range kinds() {
		if kind.name() != head.Event {
			continue
		}
		read := reflect.New(reflect.TypeOf(kind))
		if err := json.Unmarshal(line, read.Interface()); err != nil {
			return nil, head.At, fmt.Errorf("event: %s cannot be read: %w", head.Event, err)
		}
		e, _ := reflect.TypeAssert[Event](read.Elem())
		return e, head.At, nil
	}
	return nil, head.At, fmt.Errorf("%w: %s", ErrUnknown, head.Event)
}

// kinds returns an event of each type.
func kinds() []Event {
	return []Event{
		RunStarted{},
		Environment{},
		TableStarted{},
		TableDone{},
		TableAbsent{},
		StepDone{},
		Executing{},
		Progress{},
		IndexProgress{},
		Locked{},
		LockRefused{},
		Throttled{},
		Impact{},
		Load{},
		Forecast{},
		Measured{},
		Verified{},
		Notice{},
		Result{},
		Summary{},
	}
}
