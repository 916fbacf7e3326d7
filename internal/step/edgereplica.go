package step

// writtenByPublisher is the part for a change that a subscription applies, or that a session with session_replication_role =
// replica makes. The publisher has kept its own columns equal, if it has both. A uuid that is NULL next to an integer belongs to a
// row that the publisher has not filled yet, so that the integer decides. Two values stay as they came: the row of the parent
// may be missing here.
func (e Edge) writtenByPublisher() string {
	if !e.Always {
		return ""
	}
	return `  IF NOT ({not replica}) THEN
    IF {key} IS NOT NULL AND {uuid} IS NULL THEN
      by_key := true;
      by_uuid := false;
    ELSIF {key} IS NOT NULL AND by_uuid AND NOT by_key THEN
      RETURN NEW;
    END IF;
  END IF;
`
}
