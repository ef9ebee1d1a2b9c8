package door_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble/internal/collect/door"
	"thimble/internal/web/webtest"
)

// arrives waits until so many events were given to the intake, and returns them.
func (b *bench) arrives(n int) (all []taken, list []sent) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		all = append(all, b.intake.since()...)
		if list = events(b.t, all); len(list) >= n {
			return all, list
		}
	}
	b.t.Fatalf("%d of %d events arrived: %+v", len(list), n, list)
	return nil, nil
}

// loads is a script that loads Segment's SDK; options is a JavaScript object.
func (b *bench) loads(options string) string {
	return fmt.Sprintf(`(async () => { window.analytics = AnalyticsNext.AnalyticsBrowser.load({writeKey: %q, cdnURL: %q}, %s); await window.analytics; return true })()`, browserKey, b.url, options)
}

// calls makes each call of the browser's SDK.
const calls = `(async () => {
	await analytics.page('Shop', 'Start')
	await analytics.track('Product Viewed', {product_id: 'SKU-1', name: 'Linen shirt', price: 49.95, currency: 'EUR', size: 'M'})
	await analytics.identify('u1', {email: 'ada@shop.example', firstName: 'Ada'})
	await analytics.group('g1', {name: 'Friends'})
	await analytics.alias('u2', 'u1')
	await analytics.screen('Basket')
	await analytics.track('Order Completed', {order_id: 'O-1', total: '99.90', currency: 'EUR', products: [{product_id: 'SKU-1', quantity: 2}]})
	return true
})()`

func TestAnalyticsNextSendsEachCallFromAPageOfAnotherOrigin(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, nil)
	tab := browser.Open(shop+"/", webtest.Desk)
	tab.Eval(b.loads(`{}`), new(bool))
	tab.Eval(calls, new(bool))
	all, list := b.arrives(7)
	for _, one := range all {
		if one.From.Number != 7 {
			t.Errorf("from source %d", one.From.Number)
		}
	}
	golden(t, "analytics-next.json", list)
	// Before somebody says who they are the SDK sends null, and not nothing.
	if id, there := list[slices.IndexFunc(list, func(s sent) bool { return s.Event["event"] == "Product Viewed" })].Event["userId"]; !there || id != nil {
		t.Errorf("userId of a visitor = %v, %t, want null", id, there)
	}
}

func TestAnalyticsNextSendsBatches(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, nil)
	tab := browser.Open(shop+"/", webtest.Desk)
	tab.Eval(b.loads(`{integrations: {'Segment.io': {deliveryStrategy: {strategy: 'batching', config: {size: 4, timeout: 200}}}}}`), new(bool))
	tab.Eval(calls, new(bool))
	all, list := b.arrives(7)
	for _, one := range all {
		if one.Call.String() != "batch" {
			t.Errorf("a %s came by itself", one.Call)
		}
	}
	golden(t, "analytics-next-batch.json", list)
}

func TestWhatIsRefusedForNowIsSentAgainByTheBrowser(t *testing.T) {
	browser := webtest.Start(t)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			shop, b := pages(t, nil)
			m := within(t, b, status)
			tab := browser.Open(shop+"/", webtest.Desk)
			tab.Eval(b.loads(`{}`), new(bool))
			tab.Eval(`analytics.track('Product Viewed', {product_id: 'SKU-1'}), true`, new(bool))
			b.arrives(1)
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(m.tries) < 2 || !slices.Contains(m.tries, "1") {
				t.Errorf("X-Retry-Count was %q, want a second try that says it is one", m.tries)
			}
		})
	}
}

func TestWhatWasSaidOfflineIsSentWhenTheBrowserIsOnlineAgain(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, nil)
	tab := browser.Open(shop+"/", webtest.Desk)
	tab.Eval(b.loads(`{}`), new(bool))
	tab.Eval(`analytics.track('Product Viewed', {product_id: 'SKU-1'}), true`, new(bool))
	b.arrives(1)
	tab.Offline(true)
	tab.Eval(`(() => { for (let i = 0; i < 5; i++) analytics.track('Product Added', {product_id: 'SKU-' + i}); return true })()`, new(bool))
	time.Sleep(300 * time.Millisecond)
	if got := b.intake.since(); len(got) != 0 {
		t.Fatalf("offline, %d events arrived", len(got))
	}
	tab.Offline(false)
	_, list := b.arrives(5)
	for i, e := range list {
		if e.Event["event"] != "Product Added" {
			t.Errorf("event %d is %v", i, e.Event["event"])
		}
	}
}

func TestWhatIsSaidWhileAPageIsLeftArrives(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, nil)
	for name, options := range map[string]string{
		"batching":  `{integrations: {'Segment.io': {deliveryStrategy: {strategy: 'batching', config: {size: 100, timeout: 60000}}}}}`,
		"keepalive": `{integrations: {'Segment.io': {deliveryStrategy: {config: {keepalive: true}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(shop+"/", webtest.Desk)
			tab.Eval(b.loads(options), new(bool))
			tab.Eval(`analytics.track('Product Viewed', {product_id: 'SKU-1'}), true`, new(bool))
			time.Sleep(200 * time.Millisecond) // the SDK's queue works in turns
			tab.Goto(shop + "/next")
			b.arrives(1)
		})
	}
}

func TestAPageThatIsNotOneOfTheSourcesSendsNothing(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, nil)
	foreign := strings.Replace(shop, "localhost", "127.0.0.1", 1)
	tab := browser.Open(foreign+"/", webtest.Desk)
	var got string
	tab.Eval(fmt.Sprintf(`fetch(%q, {method: 'POST', headers: {Authorization: 'Basic ' + btoa(%q)}, body: '{}'}).then(r => 'sent ' + r.status, e => 'refused')`, b.url+"/v1/t", browserKey+":"), &got)
	if got != "refused" {
		t.Errorf("with a header: %s", got)
	}
	tab.Eval(fmt.Sprintf(`navigator.sendBeacon(%q, JSON.stringify({writeKey: %q, anonymousId: 'a', event: 'Product Viewed'}))`, b.url+"/v1/t", browserKey), new(bool))
	time.Sleep(300 * time.Millisecond)
	if all := b.intake.since(); len(all) != 0 {
		t.Errorf("it sent %+v", all)
	}
	tab.Eval(fmt.Sprintf(`fetch(%q).then(r => 'read', e => 'refused')`, b.url+"/v1/projects/"+browserKey+"/settings"), &got)
	if got != "refused" {
		t.Errorf("the settings: %s", got)
	}
}

// consentTools wires Segment's consent tools to a choice in the page.
const consentTools = `(async () => {
	const { createWrapper } = await import('@segment/analytics-consent-tools')
	const withChoice = createWrapper({ getCategories: () => window.choice, shouldLoadSegment: async () => {} })
	window.analytics = new AnalyticsNext.AnalyticsBrowser()
	withChoice(window.analytics)
	window.analytics.load({ writeKey: %q, cdnURL: %q })
	await window.analytics
	return true
})()`

func TestSegmentsConsentToolsSayTheChoiceOrSendNothing(t *testing.T) {
	browser := webtest.Start(t)
	shop, b := pages(t, func(c *door.Config) { c.Categories = []string{"Analytics", "Advertising"} })
	for name, c := range map[string]struct {
		choice string
		sends  bool
	}{
		"some": {`{Analytics: true, Advertising: false}`, true}, "none": {`{Analytics: false, Advertising: false}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(shop+"/consent", webtest.Desk)
			tab.Eval("window.choice = "+c.choice+", true", new(bool))
			tab.Eval(fmt.Sprintf(consentTools, browserKey, b.url), new(bool))
			tab.Eval(`analytics.track('Product Viewed', {product_id: 'SKU-1'}), true`, new(bool))
			if !c.sends {
				time.Sleep(700 * time.Millisecond)
				if all := b.intake.since(); len(all) != 0 {
					t.Errorf("somebody who permits nothing sends %+v", all)
				}
				return
			}
			_, list := b.arrives(1)
			context, _ := list[0].Event["context"].(map[string]any)
			consent, _ := context["consent"].(map[string]any)
			if got := fmt.Sprint(consent["categoryPreferences"]); got != "map[Advertising:false Analytics:true]" {
				t.Errorf("the event says %s", got)
			}
		})
	}
}
