package webtest

import (
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// conditions emulates a network; the browser's own idea of being online follows it.
var conditions = cdp.Command[network.OverrideNetworkStateParams, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

// Offline takes the tab off the network, or puts it back.
func (tab *Tab) Offline(off bool) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, conditions, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
	tab.must("switching the network", err)
}
