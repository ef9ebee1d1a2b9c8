// Package hooks reads what shop systems send when something happens in them: Shopify
// (webhooks of its Admin API, and the three that its rules of privacy ask for) and
// WooCommerce (webhooks of its REST API v3).
//
// It promises:
//
//   - A delivery counts only if its body is signed with the feed's secret: HMAC-SHA256 in
//     base64, compared in constant time. The headers are not signed, so that a topic is
//     believed only of a body that has its form: a request for access cannot be turned
//     into an erasure.
//   - What is read is one object, with the bounds of package table.
//   - Nothing of a body is in an error.
package hooks
