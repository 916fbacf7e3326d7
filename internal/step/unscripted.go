package step

// Unscripted is embedded in a step that scripts cannot contain: it does not predict its effect.
type Unscripted struct{}

// AfterApply implements Step.
func (Unscripted) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (Unscripted) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (Unscripted) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (Unscripted) UndoScript(View) []Statement { return nil }
