package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/certificate"
	"thimble/internal/rights/systems"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// One erasure with systems outside, from the person's wish to the last certificate: one is
// told by webhook and answers, one is a person's, and one takes no part.
func TestAnErasureReachesSystemsOutsideAndTheCertificateSaysWhatTheyAnswered(t *testing.T) {
	var told []systems.Notice
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var n systems.Notice
		if err := json.Unmarshal(body, &n); err != nil {
			t.Error(err)
		}
		told = append(told, n)
	}))
	defer server.Close()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "disclose-loopback": server.Listener.Addr().String()})
	ctx := t.Context()
	state := func(y systems.System) (systems.System, string) {
		t.Helper()
		y, key, err := s.Systems.Add(ctx, y, thimble.Hide(""), "zoe")
		if err != nil {
			t.Fatal(err)
		}
		return y, key
	}
	news, key := state(systems.System{Name: "Newsletter", Kinds: []cases.Kind{cases.Erase}, Means: systems.Webhook, Endpoint: server.URL + "/hook", Names: systems.Account, Days: 7})
	state(systems.System{Name: "Old ERP", Kinds: []cases.Kind{cases.Erase}, Means: systems.Person, Names: systems.Account, Days: 14, Instructions: "Delete the customer there."})
	state(systems.System{Name: "Till", Kinds: []cases.Kind{cases.Rectify}, Means: systems.Person, Names: systems.Account, Days: 14, Instructions: "Correct it there."})
	ada := s.Subject("ada-lovelace-1815")
	s.Buys(ada, "shirt")
	c, err := s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Erase, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		c, err = s.Cases.Accept(ctx, c.ID, cases.ThePerson, "")
	}
	if err != nil || c.Tasks != 2 {
		t.Fatalf("%d systems take part, %v, want 2", c.Tasks, err)
	}
	report := s.Erase(ada)
	if c, err = s.Cases.Finish(ctx, c); err != nil || c.State != cases.Waiting {
		t.Fatalf("erased here, and the case is %s, %v, want it to wait for the systems", c.State, err)
	}

	answers := func(issue int64, want map[string]string) certificate.Statement {
		t.Helper()
		_, said := certified(t, s, report.Request)
		got := map[string]string{}
		for _, r := range said.Recipients {
			got[r.Name] = r.State
		}
		if said.Issue != issue || len(got) != len(want) || got["Newsletter"] != want["Newsletter"] || got["Old ERP"] != want["Old ERP"] {
			t.Fatalf("certificate %d says %v, want certificate %d and %v", said.Issue, got, issue, want)
		}
		return said
	}
	said := answers(1, map[string]string{"Newsletter": "told", "Old ERP": "told"})
	if beyond := strings.Join(said.Beyond, "\n"); !strings.Contains(beyond, "the system Till") {
		t.Errorf("it does not say that it does not cover the till:\n%s", beyond)
	}
	for range 5 {
		if _, err := s.Systems.Step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0].Identifiers[0].Value != "ada-lovelace-1815" {
		t.Fatalf("the newsletter was told %+v, want it told once, of its own number", told)
	}
	body := []byte(`{"task":"` + told[0].Task + `","state":"done"}`)
	k, err := wire.ParseSigningKey(key)
	if err != nil {
		t.Fatal(err)
	}
	head, err := wire.Sign("answer-1", time.Now(), body, k)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Handler(ctx)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body []byte) int {
		r := httptest.NewRequest("POST", "/rights/systems/"+news.ID.Token(systems.SystemPrefix)+"/answers", strings.NewReader(string(body)))
		for name, v := range head {
			r.Header[name] = v
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	if code := post([]byte(`{}`)); code != http.StatusForbidden {
		t.Errorf("an answer that is not signed: %d, want 403", code)
	}
	if code := post(body); code != http.StatusNoContent {
		t.Fatalf("a signed answer: %d, want 204", code)
	}
	certifies(t, s, 1)
	said = answers(2, map[string]string{"Newsletter": "done", "Old ERP": "told"})
	if said.Recipients[0].Proof == "" && said.Recipients[1].Proof == "" {
		t.Errorf("it does not say by what the answer was shown: %+v", said.Recipients)
	}
	tasks, err := s.Systems.OfCase(ctx, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.Means != systems.Person {
			continue
		}
		named, err := s.Systems.Whom(ctx, task.ID, "zoe")
		if err != nil || len(named.Reveal()) != 1 || named.Reveal()[0].Value != "ada-lovelace-1815" {
			t.Fatalf("who does it by hand learns %v, %v", named, err)
		}
		if err := s.Systems.ByHand(ctx, task.ID, systems.WasDoneByHand, "zoe"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Systems.Whom(ctx, task.ID, "zoe"); err == nil {
			t.Error("after it is done somebody can still look up who it was")
		}
	}
	certifies(t, s, 1)
	answers(3, map[string]string{"Newsletter": "done", "Old ERP": "done_by_hand"})
	if c, err = s.Cases.Get(ctx, c.ID); err != nil || c.State != cases.Fulfilled {
		t.Errorf("after the last answer the case is %s, %v", c.State, err)
	}
	certifies(t, s, 0)
	if audit, err := s.Audit(ctx); err != nil || len(audit.Findings) > 0 {
		t.Errorf("the audit: %+v, %v", audit.Findings, err)
	}
}

func certifies(t *testing.T, s *thimbletest.Shop, want int) {
	t.Helper()
	if n, err := s.Desk.Certify(t.Context()); n != want || err != nil {
		t.Fatalf("%d certificates were issued, %v, want %d", n, err, want)
	}
}

func TestStaffStateASystemAndSeeWhatItIsAskedOnTheCase(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	pia := answers(t, s, "pia", staff.Privacy)
	form := url.Values{"name": {"Old ERP"}, "kinds": {"restrict"}, "means": {"person"}, "names": {"account"}, "days": {"99"}, "instructions": {"Lock it there."}}
	if code, body := pia.sends("/console/systems", form); code != http.StatusUnprocessableEntity || !strings.Contains(body, "1 to 45") {
		t.Errorf("99 days: %d", code)
	}
	form.Set("days", "9")
	if code, body := pia.sends("/console/systems", form); code != http.StatusSeeOther {
		t.Fatalf("stating a system: %d\n%s", code, body)
	}
	ada := s.Subject("ada")
	c, err := s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Restrict, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		_, err = s.Cases.Accept(ctx, c.ID, cases.ThePerson, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	at := "/console/cases/" + c.ID.Token(cases.TokenPrefix)
	if body := pia.page(at); !strings.Contains(body, "Old ERP") || !strings.Contains(body, "Lock it there.") {
		t.Error("the case does not name the system or what is to be done there")
	}
	tasks, err := s.Systems.OfCase(ctx, c.ID)
	if err != nil || len(tasks) != 1 {
		t.Fatal(tasks, err)
	}
	name := tasks[0].ID.Token(systems.TaskPrefix)
	if code, body := pia.sends(at, url.Values{"what": {"task_whom"}, "task": {name}}); code != http.StatusOK || !strings.Contains(body, "account ada") || !strings.Contains(body, "looked up") {
		t.Errorf("who it is: %d, or it does not say who, or that it was looked up", code)
	}
	if code, _ := pia.sends(at, url.Values{"what": {"in_part"}, "part": {"no_answer"}}); code != http.StatusConflict {
		t.Errorf("in part while it is under way: %d, want a conflict", code)
	}
	if code, _ := pia.sends(at, url.Values{"what": {"task_done"}, "task": {"tsk_nonsense"}}); code != http.StatusUnprocessableEntity {
		t.Errorf("a task that there is not: %d", code)
	}
	if code, body := pia.sends(at, url.Values{"what": {"task_done"}, "task": {name}}); code != http.StatusSeeOther || !strings.Contains(body, "Done by hand") {
		t.Errorf("done by hand: %d", code)
	}
	if !strings.Contains(pia.page("/console/systems"), "Old ERP") {
		t.Error("the list does not name it")
	}
	if body := browse(t, s, ada).page("/privacy/requests/" + c.ID.Token(cases.TokenPrefix)); !strings.Contains(body, "Old ERP") || !strings.Contains(body, "Done by hand") {
		t.Error("the person does not see which system answered")
	}
}
