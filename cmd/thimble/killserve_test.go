package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/consent"
	"thimble/internal/consent/consentweb"
	"thimble/internal/ledger"
	"thimble/internal/thimbletest"
)

// A client of the shop posts choices of people of its own and remembers what was
// answered.
type client struct {
	key    string
	chance *rand.Rand
	people []thimble.SubjectID
	// acked are the choices that the server answered with 2xx, by person and seq.
	acked map[thimble.SubjectID]map[int64]consentweb.RecordedChoice
	asked int
}

const clients, peopleEach = 4, 3

func TestKilledServerKeepsWhatItAnswered(t *testing.T) {
	program, dir := binary(t), t.TempDir()
	shop := opened(t, dir)
	chance := rand.New(rand.NewPCG(seed, 3))
	var restarts []time.Duration
	kills := rounds(3, 100)
	for round := range kills + 1 {
		if round > 0 && chance.IntN(2) == 0 { // a start is killed too, while it recovers
			stillborn(t, program, dir, time.Duration(5+chance.IntN(150))*time.Millisecond)
		}
		began := time.Now()
		s := start(t, program, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error")
		if _, err := shop[0].call(t.Context(), http.MethodGet, s.url+"/v1/subjects/"+shop[0].people[0].String()+"/consents", nil); err != nil {
			t.Fatalf("round %d (seed %d): %v", round, seed, err)
		}
		if round > 0 {
			restarts = append(restarts, time.Since(began))
		}
		for _, c := range shop {
			c.compare(t, s.url, round)
		}
		if round == kills {
			shop[0].prove(t, s.url)
			s.kill(t)
			break
		}
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, c := range shop {
			all.Go(func() { c.work(ctx, s.url) })
		}
		time.Sleep(time.Duration(100+chance.IntN(500)) * time.Millisecond)
		s.kill(t)
		stop()
		all.Wait()
	}
	acked := exactly(t, dir, shop)
	if acked < kills {
		t.Errorf("only %d choices were answered: the test proves nothing on this machine", acked)
	}
	slices.Sort(restarts)
	asked := 0
	for _, c := range shop {
		asked += c.asked
	}
	t.Logf("%d kills (seed %d), %d choices posted, %d answered; the first answer after a restart came within %v (median), %v (longest); the goal is 2s",
		kills, seed, asked, acked, restarts[len(restarts)/2].Round(time.Millisecond), restarts[len(restarts)-1].Round(time.Millisecond))
}

// stillborn starts a server and kills it before it may have served.
func stillborn(t *testing.T, program, dir string, life time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), life)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error").CombinedOutput()
	if ctx.Err() == nil {
		t.Errorf("the server ended by itself: %v\n%s", err, out)
	}
}

// opened makes an installation with people and a key for each client.
func opened(t *testing.T, dir string) (shop []*client) {
	t.Helper()
	t.Run("installation", func(t *testing.T) { // which is closed when this ends
		s := thimbletest.Open(t, map[string]string{"data": dir})
		keys := apikeydb.New(s.Core, nil)
		for i := range clients {
			key, _, err := keys.Create(t.Context(), fmt.Sprintf("client %d", i), []apikey.Scope{apikey.Collect, apikey.Read})
			if err != nil {
				t.Fatal(err)
			}
			c := &client{key: key, chance: rand.New(rand.NewPCG(seed, uint64(10+i))), acked: map[thimble.SubjectID]map[int64]consentweb.RecordedChoice{}}
			for n := range peopleEach {
				who := s.Subject(fmt.Sprintf("account-%d-%d", i, n))
				c.people, c.acked[who] = append(c.people, who), map[int64]consentweb.RecordedChoice{}
			}
			shop = append(shop, c)
		}
	})
	return shop
}

// call sends a request and returns the answer of one with a 2xx status.
func (c *client) call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return text, err
}

// work posts until the server is gone.
func (c *client) work(ctx context.Context, url string) {
	for {
		who := c.people[c.chance.IntN(len(c.people))]
		purpose := consent.Asked[c.chance.IntN(len(consent.Asked))].Purpose
		state := []consent.State{consent.Given, consent.Refused, consent.Withdrawn}[c.chance.IntN(3)]
		body, err := json.Marshal(consentweb.NewChoices{
			Choices: []consentweb.NewChoice{{Purpose: string(purpose), State: string(state)}},
			UI:      consentweb.ChoiceUI{Component: "banner"}, Lang: consent.Current().Lang, Notice: consent.Current().Ref().SHA256,
		})
		if err != nil {
			panic(err) // it has no value that JSON lacks
		}
		c.asked++
		text, err := c.call(ctx, http.MethodPost, url+"/v1/subjects/"+who.String()+"/consents", body)
		if err != nil {
			return
		}
		var out consentweb.RecordedChoices
		if json.Unmarshal(text, &out) != nil {
			return // cut off
		}
		for _, r := range out.Recorded {
			c.acked[who][r.Seq] = r
		}
	}
}

// compare reads where each person stands: the last choice that was answered, or one
// that was recorded after it and whose answer the kill swallowed.
func (c *client) compare(t *testing.T, url string, round int) {
	t.Helper()
	for _, who := range c.people {
		text, err := c.call(t.Context(), http.MethodGet, url+"/v1/subjects/"+who.String()+"/consents", nil)
		var got consentweb.Choices
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		if err != nil {
			t.Fatalf("round %d (seed %d): %v", round, seed, err)
		}
		last := map[string]consentweb.RecordedChoice{}
		for _, r := range c.acked[who] {
			if r.Seq > last[r.Purpose].Seq {
				last[r.Purpose] = r
			}
		}
		for _, st := range got.Consents {
			want := last[st.Purpose]
			if st.Seq < want.Seq || st.Seq == want.Seq && want.Seq > 0 && st.State != want.State {
				t.Errorf("round %d (seed %d): %s on %s: got %s by choice %d, want %s by choice %d", round, seed, who, st.Purpose, st.State, st.Seq, want.State, want.Seq)
			}
		}
	}
}

// prove fetches receipts of choices that were answered before a kill.
func (c *client) prove(t *testing.T, url string) {
	t.Helper()
	log, err := c.call(t.Context(), http.MethodGet, url+"/v1/ledger/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	for who, all := range c.acked {
		for _, r := range all {
			text, err := c.call(t.Context(), http.MethodGet, url+r.Receipt, nil)
			if err == nil {
				_, err = ledger.Verify(text, strings.TrimSpace(string(log)))
			}
			if err != nil {
				t.Errorf("the receipt of choice %d of %s: %v", r.Seq, who, err)
			}
			break // of each person, one
		}
	}
}

// exactly reads the history of each person in the stopped installation: each
// answered choice is in it as it was answered. It returns how many there were.
func exactly(t *testing.T, dir string, shop []*client) (acked int) {
	t.Helper()
	s := thimbletest.Open(t, map[string]string{"data": dir})
	for _, c := range shop {
		for who, all := range c.acked {
			found := map[int64]consent.Event{}
			for d, err := range s.Consent.Export(t.Context(), who) {
				if err != nil {
					t.Fatal(err)
				}
				e := d.Value.(consent.Event)
				found[e.Seq] = e
			}
			for seq, want := range all {
				acked++
				if e := found[seq]; string(e.Purpose) != want.Purpose || string(e.State) != want.State || !e.At.Equal(want.At) {
					t.Errorf("seed %d: choice %d of %s: got %s on %s, want %s on %s", seed, seq, who, e.State, e.Purpose, want.State, want.Purpose)
				}
			}
		}
	}
	if err := s.Ledger.Check(t.Context()); err != nil {
		t.Error(err)
	}
	return acked
}
