package ledgerweb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/ledger"
)

// maxResource is more than any tile, bundle or checkpoint has.
const maxResource = 1 << 20

// Fetch reads a log over HTTP for an auditor. Prefix is the log's URL, such as
// "https://shop.example/ledger".
func Fetch(client *http.Client, prefix string) ledger.Fetch {
	prefix = strings.TrimRight(prefix, "/")
	return func(ctx context.Context, path string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, prefix+"/"+path, nil)
		if err != nil {
			return nil, fmt.Errorf("ledgerweb: %w", err)
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, fmt.Errorf("ledgerweb: %w (%w)", err, thimble.ErrUnavailable)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("ledgerweb: %s answered %s (%w)", path, res.Status, thimble.ErrUnavailable)
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, maxResource+1))
		if err == nil && len(b) > maxResource {
			err = fmt.Errorf("more than %d bytes: %w", maxResource, thimble.ErrInvalid)
		}
		if err != nil {
			return nil, fmt.Errorf("ledgerweb: reading %s: %w", path, err)
		}
		return b, nil
	}
}
