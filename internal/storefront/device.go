package storefront

import (
	"log/slog"
	"net/http"

	"thimble"
)

// deviceScript makes the list in the browser.
const deviceScript = "device.js"

// deviceWords stand beside what is asked: there is a list without a yes.
const deviceWords = " Without any yes, your browser can make a list by itself, of which nothing is sent: see “Only on this device” on the first page."

// onDevice offers a list that the visitor's own browser makes. It is the same for everybody:
// whether somebody has turned it on is not known here.
type onDevice struct {
	Key  string
	Item thimble.ItemID // of a product's page
}

// device returns nothing where the shop offers no such list, or no file can be verified.
func (s *shop) device(r *http.Request, item thimble.ItemID) (*onDevice, []string) {
	if s.DeviceKey == nil {
		return nil, nil
	}
	key, err := s.DeviceKey(r.Context())
	if err != nil {
		s.Log.ErrorContext(r.Context(), "no list on the device is offered", slog.String("cause", err.Error()))
		return nil, nil
	}
	return &onDevice{key, item}, []string{deviceScript}
}
