package discloseweb_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/web"
)

// A confirmer takes the one confirmation it expects.
type confirmer struct {
	of   thimble.ID
	away bool
}

// Acknowledge implements discloseweb.Confirmer.
func (c confirmer) Acknowledge(_ context.Context, recipient thimble.ID, head http.Header, body []byte) error {
	if c.away {
		return thimble.ErrUnavailable
	}
	if recipient != c.of || head.Get("Webhook-Signature") != "good" || string(body) != "{}" {
		return thimble.ErrConflict // whatever is wrong is not said
	}
	return nil
}

func TestWhatIsWrongWithAConfirmationIsNotSaid(t *testing.T) {
	id, other := thimble.ID{1}, thimble.ID{2}
	mux := http.NewServeMux()
	mux.Handle("POST "+discloseweb.AckPath+"{recipient}", discloseweb.ServeAck(confirmer{of: id}, web.NewLimiter(time.Hour, 4, nil)))
	post := func(recipient, signature string) (int, string) {
		r := httptest.NewRequest("POST", discloseweb.AckPath+recipient, strings.NewReader("{}"))
		r.Header.Set("Webhook-Signature", signature)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	known := id.Token(disclose.RecipientPrefix)
	if code, _ := post(known, "good"); code != http.StatusNoContent {
		t.Errorf("a good confirmation: %d", code)
	}
	code, first := post(known, "bad")
	for _, recipient := range []string{other.Token(disclose.RecipientPrefix), "nonsense"} {
		if again, body := post(recipient, "good"); code != http.StatusForbidden || again != code || body != first {
			t.Errorf("%d %s and %d %s differ", code, first, again, body)
		}
	}
	if code, _ := post(known, "good"); code != http.StatusTooManyRequests {
		t.Errorf("beyond the limit: %d", code)
	}
}

func TestAConfirmationThatWasNotLookedAtIsToBeSaidAgain(t *testing.T) {
	r := httptest.NewRequest("POST", discloseweb.AckPath, strings.NewReader("{}"))
	r.SetPathValue("recipient", thimble.ID{1}.Token(disclose.RecipientPrefix))
	w := httptest.NewRecorder()
	discloseweb.ServeAck(confirmer{away: true}, web.NewLimiter(time.Hour, 4, nil)).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a database: %d", w.Code)
	}
}
