package page

import (
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/visible"
)

// maxFinished is the number of finished tables that the page lists, the newest ones.
const maxFinished = 200

// The words for what a run does now.
const (
	statusWaiting = "waiting"
	statusRunning = "running"
	statusSlowed  = "slowed"
	statusPaused  = "paused"
	statusDone    = "done"
	statusEnded   = "ended"
)

// view is what the page shows next to the charts and the log. Durations are in milliseconds, times are Unix milliseconds.
type view struct {
	Run      int64       `json:"run"`
	Command  string      `json:"command"`
	Schema   string      `json:"schema"`
	Program  string      `json:"program"`
	Server   string      `json:"server"`
	Database string      `json:"database"`
	Goal     string      `json:"goal"`
	Status   string      `json:"status"`
	Reason   string      `json:"reason"`
	Since    int64       `json:"since"`
	Trouble  string      `json:"trouble"`
	Over     bool        `json:"over"`
	Controls bool        `json:"controls"`
	Now      int64       `json:"now"`
	Started  int64       `json:"started"`
	Updated  int64       `json:"updated"`
	Percent  int         `json:"percent"`
	Done     int64       `json:"done"`
	Total    int64       `json:"total"`
	Rate     float64     `json:"rate"`
	Left     float64     `json:"left"`
	Parts    int         `json:"parts"`
	Impact   *impactView `json:"impact"`
	Load     *loadView   `json:"load"`
	Locks    locksView   `json:"locks"`
	Work     []tableView `json:"work"`
	Finished []tableView `json:"finished"`
	Hidden   int         `json:"hidden"`
	Result   *resultView `json:"result"`
	Pauses   []pauseView `json:"pauses"`
}

type impactView struct {
	Commit     float64 `json:"commit"`
	CommitIdle float64 `json:"commit_idle"`
	Read       float64 `json:"read"`
	ReadIdle   float64 `json:"read_idle"`
	Ratio      float64 `json:"ratio"`
	Limit      float64 `json:"limit"`
	Workers    int     `json:"workers"`
	BatchTime  float64 `json:"batch_time"`
	Duty       float64 `json:"duty"`
	Cause      string  `json:"cause"`
}

type loadView struct {
	WAL     float64 `json:"wal"`
	Lag     float64 `json:"lag"`
	Waiting int     `json:"waiting"`
	Batch   float64 `json:"batch"`
}

type locksView struct {
	Count    int     `json:"count"`
	Attempts int     `json:"attempts"`
	Wait     float64 `json:"longest_wait"`
	Hold     float64 `json:"longest_hold"`
}

type tableView struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Goal     string  `json:"goal"`
	Doing    string  `json:"doing"`
	Waits    bool    `json:"waits"`
	Done     int64   `json:"done"`
	Total    int64   `json:"total"`
	Percent  int     `json:"percent"`
	Rate     float64 `json:"rate"`
	Left     float64 `json:"left"`
	Elapsed  float64 `json:"elapsed"`
	Finished bool    `json:"finished"`
}

type resultView struct {
	OK      bool    `json:"ok"`
	Rows    int64   `json:"rows"`
	Elapsed float64 `json:"elapsed"`
	Message string  `json:"message"`
	Detail  string  `json:"detail"`
	Hint    string  `json:"hint"`
}

// pauseView is a time in which the run was paused, in Unix seconds. To is 0 while it lasts.
type pauseView struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// viewOf returns what the page shows of a board at a time.
func viewOf(b shown, now time.Time) view {
	s := b.state
	v := view{
		Run: s.Run, Command: s.Command, Schema: s.Schema, Status: status(b), Reason: reason(s), Trouble: b.trouble, Over: b.over,
		Controls: b.working() && !b.over, Now: now.UnixMilli(), Started: millis(s.Started), Updated: millis(s.Updated),
		Done: s.Done(), Total: s.Total(), Percent: s.Percent(), Rate: s.Rate(), Left: ms(s.Left()), Parts: s.Parts(),
		Locks: locks(s), Work: []tableView{}, Finished: []tableView{}, Pauses: pauses(s),
	}
	if s.Reason != "" {
		v.Since = millis(s.ReasonSince)
	}
	if e := s.Environment; e != nil {
		v.Program, v.Server, v.Database, v.Goal = e.Program, e.Server, e.Database, e.Phase
	}
	if i := s.Impact; i != nil {
		v.Impact = &impactView{
			Commit: ms(i.Commit), CommitIdle: ms(i.CommitIdle), Read: ms(i.Read), ReadIdle: ms(i.ReadIdle), Ratio: i.Ratio, Limit: i.Limit,
			Workers: i.Workers, BatchTime: ms(i.BatchTime), Duty: i.Duty, Cause: i.Cause,
		}
	}
	if l := s.Load; l != nil {
		v.Load = &loadView{WAL: l.WAL, Lag: ms(l.Lag), Waiting: l.Waiting, Batch: ms(l.Batch)}
	}
	for _, t := range s.Work {
		v.Work = append(v.Work, activeTable(t, now))
	}
	v.Hidden = max(0, len(s.Finished)-maxFinished)
	for i := len(s.Finished) - 1; i >= v.Hidden; i-- {
		v.Finished = append(v.Finished, finishedTable(s.Finished[i]))
	}
	if s.Result != nil {
		v.end(s.Result)
	}
	if b.killed {
		v.stopWork()
	}
	return v
}

// end shows the result.
func (v *view) end(r *event.Result) {
	v.stopWork()
	v.Result = &resultView{OK: r.OK, Rows: r.Rows, Elapsed: ms(r.Elapsed)}
	if len(r.Problems) > 0 {
		p := r.Problems[0]
		v.Result.Message, v.Result.Detail, v.Result.Hint = visible.Text(p.Message), visible.Text(p.Detail), visible.Text(p.Hint)
	}
}

// stopWork shows that nothing works on the tables any more.
func (v *view) stopWork() {
	v.Left, v.Rate = 0, 0
	for i := range v.Work {
		v.Work[i].Left, v.Work[i].Rate, v.Work[i].Doing, v.Work[i].Waits = 0, 0, "not finished", false
	}
}

func status(b shown) string {
	s := b.state
	switch {
	case s.Run == 0 && s.Result == nil:
		return statusWaiting
	case s.Result != nil && s.Result.OK:
		return statusDone
	case s.Result != nil, b.killed:
		return statusEnded
	case s.Paused:
		return statusPaused
	case s.Reason != "":
		return statusSlowed
	default:
		return statusRunning
	}
}

func reason(s history.State) string {
	if s.Result != nil {
		return ""
	}
	return visible.Line(s.Reason)
}

func locks(s history.State) locksView {
	sum := s.ExclusiveLocks()
	return locksView{Count: sum.Count, Attempts: sum.Attempts, Wait: ms(sum.LongestWait), Hold: ms(sum.LongestHold)}
}

func pauses(s history.State) []pauseView {
	all := []pauseView{}
	for _, r := range s.Reasons {
		if r.Paused {
			all = append(all, pauseView{From: seconds(r.From), To: seconds(r.To)})
		}
	}
	if s.Paused && s.Result == nil {
		all = append(all, pauseView{From: seconds(s.ReasonSince)})
	}
	const most = 100
	return all[max(0, len(all)-most):]
}

func activeTable(t history.Table, now time.Time) tableView {
	v := tableView{
		Name: visible.Line(t.Name), Kind: t.Kind(), Goal: t.Goal, Doing: t.Activity(now), Waits: t.WaitsForLock, Done: t.Done, Total: t.Total,
		Percent: history.Percent(t.Done, t.Total), Rate: t.Rate, Left: ms(t.Left), Elapsed: ms(now.Sub(t.Started)),
	}
	switch {
	case v.Doing != "":
	case t.Step != nil:
		v.Doing = visible.Line(t.Step.ID)
	case t.Done < t.Total:
		v.Doing = "filling rows"
	}
	return v
}

func finishedTable(t history.Table) tableView {
	return tableView{
		Name: visible.Line(t.Name), Kind: t.Kind(), Goal: t.Goal, Done: t.Done, Total: t.Done, Percent: 100, Elapsed: ms(t.Elapsed), Finished: true,
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// millis returns Unix milliseconds, 0 for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
