package witness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger"
)

// askFor is how long a witness may take.
const askFor = 5 * time.Second

// A Client asks one witness.
type Client struct {
	witness ledger.PolicyWitness
	http    *http.Client
}

// Clients returns a client for each witness of the policy. A witness without a URL is an
// error: its cosignature could not be asked for.
func Clients(p *ledger.Policy) ([]*Client, error) {
	// A redirect would lead to a witness that nobody chose.
	h := &http.Client{Timeout: askFor, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	all := make([]*Client, len(p.Witnesses))
	for i, w := range p.Witnesses {
		if !strings.HasPrefix(w.URL, "https://") && !strings.HasPrefix(w.URL, "http://") {
			return nil, fmt.Errorf("witness: %s has no http or https URL in the policy: %w", w.Name, thimble.ErrInvalid)
		}
		all[i] = &Client{witness: w, http: h}
	}
	return all, nil
}

// Name returns the name that the policy gives the witness.
func (c *Client) Name() string { return c.witness.Name }

// Key returns the key of its cosignatures.
func (c *Client) Key() ledger.CosignerKey { return c.witness.Key }

// Add asks for a cosignature and returns the answer's signature lines, which the caller
// verifies. The error is ledger.ErrRefused, ledger.ErrStranger, *ledger.SizeError, or of
// kind thimble.ErrUnavailable.
func (c *Client) Add(ctx context.Context, req ledger.AddCheckpoint) ([]byte, error) {
	body, err := req.MarshalText()
	if err != nil {
		return nil, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.witness.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("witness: asking %s: %w (%w)", c.Name(), err, thimble.ErrUnavailable)
	}
	res, err := c.http.Do(post)
	if err != nil {
		return nil, fmt.Errorf("witness: asking %s: %w (%w)", c.Name(), err, thimble.ErrUnavailable)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxRequest))
	if err == nil {
		err = refusal(res, answer)
	}
	if err != nil {
		return nil, fmt.Errorf("witness: asking %s: %w", c.Name(), err)
	}
	return answer, nil
}

// refusal reads an answer that is not a cosignature.
func refusal(res *http.Response, answer []byte) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnprocessableEntity:
		return ledger.ErrRefused
	case http.StatusNotFound, http.StatusForbidden:
		return ledger.ErrStranger
	case http.StatusConflict:
		size, ok := strings.CutSuffix(string(answer), "\n")
		n, err := strconv.ParseInt(size, 10, 64)
		if ok && err == nil && n >= 0 {
			return &ledger.SizeError{Size: n}
		}
	}
	return fmt.Errorf("it answered %s (%w)", res.Status, thimble.ErrUnavailable)
}
