package jobweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"

	"thimble/internal/job"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleJobs lists the newest jobs: jobdb does.
type ConsoleJobs interface {
	List(ctx context.Context, limit int) ([]job.Job, error)
	Planned(ctx context.Context) ([]job.Planned, error)
}

const (
	consolePath  = "/console/jobs"
	consoleShown = 200
)

// Console is the jobs' part of the staff console.
func Console(kit *web.Kit, jobs ConsoleJobs) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Jobs", Href: consolePath, Icon: "clock", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) {
				all, err := jobs.List(r.Context(), consoleShown)
				if err != nil {
					f.Fail(w, r, err)
					return
				}
				planned, err := jobs.Planned(r.Context())
				if err != nil {
					f.Fail(w, r, err)
					return
				}
				body, status := consoleJobs(r, all)
				body.Planned = consolePlanned(r, planned)
				f.Render(w, r, status, pages, "console_jobs.html", web.Page{
					Title: "Jobs", Lead: "Work that must happen, also after a crash. What fails is tried again, and stays here when it cannot be done.", Body: body,
				})
			})
		},
	}, nil
}

type consoleBody struct {
	Stats   []web.Stat
	Table   web.Table
	Planned web.Table
}

func consoleStates() [4]job.State {
	return [...]job.State{job.Waiting, job.Running, job.Done, job.Failed}
}

func consoleJobs(r *http.Request, all []job.Job) (consoleBody, int) {
	chosen, status := job.State(r.URL.Query().Get("state")), http.StatusOK
	filter := web.Field{Name: "state", Label: "State", Kind: web.SelectField, Value: string(chosen), Short: true, Options: []web.Option{{Label: "All"}}}
	counts := map[job.State]int{}
	for _, j := range all {
		counts[j.State]++
	}
	var body consoleBody
	states := consoleStates()
	for _, s := range states {
		filter.Options = append(filter.Options, web.Option{Value: string(s)})
		body.Stats = append(body.Stats, web.Stat{Label: consoleLabel(s), Value: counts[s], Href: consolePath + "?state=" + string(s)})
	}
	if chosen != "" && !slices.Contains(states[:], chosen) {
		filter.Error, status = "Choose one of the list.", http.StatusUnprocessableEntity
	}
	body.Table = web.Table{
		ID: "jobs", Caption: "Newest jobs", Note: fmt.Sprintf("The newest %d at most.", consoleShown), URL: r.URL,
		Columns: []web.Column{{Label: "Kind"}, {Label: "State"}, {Label: "Queued"}, {Label: "Due"}, {Label: "Finished"}, {Label: "Took", Secondary: true}, {Label: "Tries", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "clock", Title: "No jobs yet", Text: "Training, and what must follow from a withdrawal, is queued here."},
	}
	if len(all) > 0 {
		body.Table.Filters = []web.Field{filter}
	}
	for _, j := range all {
		if chosen == "" || j.State == chosen {
			body.Table.Rows = append(body.Table.Rows, consoleRow(j))
		}
	}
	return body, status
}

func consoleLabel(s job.State) string {
	switch s {
	case job.Waiting:
		return "Waiting"
	case job.Running:
		return "Running"
	case job.Done:
		return "Done"
	case job.Failed:
		return "Failed"
	}
	return string(s)
}

func consoleRow(j job.Job) web.Row {
	tone := map[job.State]web.Tone{job.Running: web.Info, job.Done: web.Good, job.Failed: web.Bad}[j.State]
	var took, due any
	if j.State == job.Waiting {
		due = j.RunAt
	}
	if !j.FinishedAt.IsZero() {
		took = j.FinishedAt.Sub(j.RunAt)
	}
	state := web.Cell{Value: web.Badge{Text: consoleLabel(j.State), Tone: tone}, Sub: j.Error}
	row := web.Row{Cells: web.Cells(j.Kind, state, j.CreatedAt, due, j.FinishedAt, took, j.Tries)}
	if j.State == job.Failed {
		row.Tone = web.Bad
	}
	return row
}

func consolePlanned(r *http.Request, all []job.Planned) web.Table {
	t := web.Table{
		ID: "planned", Caption: "Planned", Note: "Work that comes back. Its jobs are in the list above.", URL: r.URL,
		Columns: []web.Column{{Label: "Job"}, {Label: "Last queued"}, {Label: "Next"}},
		Empty:   &web.Empty{Icon: "clock", Title: "Nothing is planned yet", Text: "Start the server with thimble serve: it plans its work as it begins."},
	}
	for _, p := range all {
		var last any
		if !p.LastAt.IsZero() {
			last = p.LastAt
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(p.Name, last, p.NextAt)})
	}
	return t
}
