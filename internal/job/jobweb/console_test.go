package jobweb

import (
	"net/http/httptest"
	"testing"
	"time"

	"thimble/internal/job"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	all := []job.Job{{Kind: "recommend.train", State: job.Failed, Error: "no space", FinishedAt: time.Unix(2, 0), RunAt: time.Unix(1, 0)}, {Kind: "recommend.train", State: job.Done}, {Kind: "vault.rotate", State: job.Waiting, RunAt: time.Now().Add(time.Hour)}}
	body, status := consoleJobs(httptest.NewRequest("GET", "/console/jobs?state=failed", nil), all)
	if status != 200 || len(body.Table.Rows) != 1 || body.Stats[3].Value != 1 {
		t.Errorf("failed jobs = %d, %v", status, body.Table.Rows)
	}
	body.Planned = consolePlanned(httptest.NewRequest("GET", "/console/jobs", nil), []job.Planned{{Name: "vault.rotate", NextAt: time.Now().Add(time.Hour)}, {Name: "other", NextAt: time.Now(), LastAt: time.Now()}})
	if len(body.Planned.Rows) != 2 {
		t.Errorf("%d planned rows", len(body.Planned.Rows))
	}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_jobs.html": {Layout: web.Console, Title: "Jobs", Body: body}})
}
