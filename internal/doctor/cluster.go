package doctor

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
)

// cluster judges what else happens in a Citus cluster. What refuses a run is among the refusals.
func cluster(f Facts) []Finding {
	c := f.Server.Cluster
	if c == nil {
		return nil
	}
	var all []Finding
	if text, statement := message.PreparedInCluster(c.Pending); text != "" {
		all = append(all, Finding{Level: Slows, Name: "citus_prepared", Text: text, Hint: statement, Count: len(c.Pending)})
	}
	if moves := message.ShardMoves(c.Moves); moves != nil {
		all = append(all, Finding{
			Level: Slows, Name: "citus_moves", Text: strings.Join(moves, ". "), Count: len(moves),
			Hint: "SELECT * FROM get_rebalance_progress();",
		})
	}
	if all == nil {
		return fine("cluster", "Citus "+c.Library+", "+message.Counted(int64(len(c.Primaries())), "node", "nodes"))
	}
	return all
}
