package source

import (
	"strings"

	"thimble/internal/collect/intake"
	js "thimble/sdk/js"
)

// A Snippet is a program that sends one event, to be copied.
type Snippet struct {
	Name  string // such as "node"; an id within a page
	Title string
	Lang  string
	Code  string
}

// Snippets returns programs that send one event to an installation at base, such as
// "https://thimble.example", for a source. The key is written into those of a public
// source. A server's is read from the environment: a key in a program gets into its
// repository. Our own SDK asks people for their consent, and is for a source that does.
func Snippets(of intake.Source, base, key string) []Snippet {
	base = strings.TrimSuffix(base, "/")
	fill := strings.NewReplacer("{base}", base, "{key}", key, "{path}", js.Path(), "{integrity}", js.Integrity()).Replace
	var all []Snippet
	switch of.Kind {
	case intake.Server:
		all = []Snippet{
			{"curl", "curl", "sh", curlServer}, {"node", "Node.js: npm install @segment/analytics-node", "js", nodeServer}, {"go", "Go: go get github.com/segmentio/analytics-go/v3@v3.3.0", "go", goServer},
		}
	case intake.Browser:
		if of.Consents {
			all = []Snippet{{"sdk", "In the page: asks for consent, and sends when it is given", "html", ownPage}}
		}
		all = append(all, Snippet{"browser", "Browser: npm install @segment/analytics-next", "js", browserPage}, Snippet{"beacon", "Browser, without an SDK", "js", browserBeacon})
	default:
		all = []Snippet{{"app", "App: any SDK of Segment's, or one request", "sh", curlApp}}
	}
	for i := range all {
		all[i].Code = fill(strings.TrimPrefix(all[i].Code, "\n"))
	}
	return all
}

const curlServer = `
curl -sS -u "$WRITE_KEY:" {base}/v1/track -d '{
  "userId": "customer-1042",
  "event": "Product Viewed",
  "properties": {"product_id": "SHIRT-12", "name": "Linen shirt", "price": "49.95", "currency": "EUR"}
}'`

const curlApp = `
curl -sS {base}/v1/track -d '{
  "writeKey": "{key}",
  "anonymousId": "device-7f3a",
  "event": "Product Viewed",
  "properties": {"product_id": "SHIRT-12", "name": "Linen shirt", "price": "49.95", "currency": "EUR"}
}'`

const nodeServer = `
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: process.env.WRITE_KEY, host: '{base}' })

analytics.track({
  userId: 'customer-1042',
  event: 'Product Viewed',
  properties: { product_id: 'SHIRT-12', name: 'Linen shirt', price: '49.95', currency: 'EUR' },
})

await analytics.closeAndFlush()`

const goServer = `
package main

import (
	"log"
	"os"

	"github.com/segmentio/analytics-go/v3"
)

func main() {
	client, err := analytics.NewWithConfig(os.Getenv("WRITE_KEY"), analytics.Config{Endpoint: "{base}"})
	if err != nil {
		log.Fatal(err)
	}
	err = client.Enqueue(analytics.Track{
		UserId: "customer-1042",
		Event:  "Product Viewed",
		Properties: analytics.NewProperties().
			Set("product_id", "SHIRT-12").Set("name", "Linen shirt").Set("price", "49.95").Set("currency", "EUR"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Close(); err != nil { // sends what waits
		log.Fatal(err)
	}
}`

// What is called before the visitor allowed it is dropped, so that it is called again when
// they choose.
const ownPage = `
<script>
  const viewed = () => thimble.track('Product Viewed', {
    product_id: 'SHIRT-12', name: 'Linen shirt', price: '49.95', currency: 'EUR',
  })
  window.thimble = [['ready', viewed], ['once', 'consent', viewed]]
</script>
<script type="module" crossorigin integrity="{integrity}"
  src="{base}{path}?writeKey={key}"></script>
<a href="{base}/privacy" data-thimble-choices>Privacy choices</a>`

const browserPage = `
import { AnalyticsBrowser } from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({ writeKey: '{key}', cdnURL: '{base}' })

analytics.track('Product Viewed', {
  product_id: 'SHIRT-12', name: 'Linen shirt', price: '49.95', currency: 'EUR',
})`

const browserBeacon = `
navigator.sendBeacon('{base}/v1/track', JSON.stringify({
  writeKey: '{key}',
  anonymousId: crypto.randomUUID(),
  event: 'Product Viewed',
  properties: { product_id: 'SHIRT-12', name: 'Linen shirt', price: '49.95', currency: 'EUR' },
}))`
