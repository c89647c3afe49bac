package token

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/kubernetes"
)

const (
	// DefaultGroup is what a node that joins by a bootstrap token belongs to, unless told otherwise.
	DefaultGroup = "system:bootstrappers:k3s:default-node-token"

	namespace  = "kube-system"
	named      = "bootstrap-token-"
	idSize     = 3
	secretSize = 8
)

// form is that of Kubernetes' bootstrap tokens: an id that may be seen, and a secret.
var form = regexp.MustCompile(`^([a-z0-9]{6})\.([a-z0-9]{16})$`)

// Bootstrap is a token that lets agents join until it ends; Kubernetes keeps it as a Secret.
type Bootstrap struct {
	Text        string
	Description string
	Groups      []string
	// Expires is when it ends; zero: never.
	Expires time.Time
}

// RandomBootstrap is a new one's text.
func RandomBootstrap() string { return Random(idSize) + "." + Random(secretSize) }

// IsBootstrap tells a bootstrap token from the password of a server or agent.
func IsBootstrap(text string) bool { return form.MatchString(text) }

// FormatBootstrap is the full form: K10, the CA's hash, and the token in the place of user and password.
func FormatBootstrap(text string, ca []byte) string { return prefix + HashCA(ca) + "::" + text }

// Create keeps it in the cluster.
func (b Bootstrap) Create(ctx context.Context, client kubernetes.Interface) error {
	parts := form.FindStringSubmatch(b.Text)
	if parts == nil {
		return fmt.Errorf("the bootstrap token %q was not of the form %q", b.Text, form)
	}
	data := map[string][]byte{
		"token-id": []byte(parts[1]), "token-secret": []byte(parts[2]), "usage-bootstrap-authentication": []byte("true"),
		"usage-bootstrap-signing": []byte("true"), "auth-extra-groups": []byte(strings.Join(b.Groups, ",")),
	}
	if b.Description != "" {
		data["description"] = []byte(b.Description)
	}
	if !b.Expires.IsZero() {
		data["expiration"] = []byte(b.Expires.Format(time.RFC3339))
	}
	secret := &core.Secret{
		ObjectMeta: meta.ObjectMeta{Name: named + parts[1], Namespace: namespace},
		Type:       core.SecretTypeBootstrapToken,
		Data:       data,
	}
	_, err := client.CoreV1().Secrets(namespace).Create(ctx, secret, meta.CreateOptions{})
	return err
}

// ListBootstrap is every one there is.
func ListBootstrap(ctx context.Context, client kubernetes.Interface) ([]Bootstrap, error) {
	found, err := client.CoreV1().Secrets(namespace).List(ctx, meta.ListOptions{FieldSelector: "type=" + string(core.SecretTypeBootstrapToken)})
	if err != nil {
		return nil, err
	}
	all := make([]Bootstrap, 0, len(found.Items))
	for _, secret := range found.Items {
		all = append(all, read(&secret))
	}
	return all, nil
}

// DeleteBootstrap takes one away, named by its id, its text or its full form.
func DeleteBootstrap(ctx context.Context, client kubernetes.Interface, text string) (string, error) {
	if _, short, found := strings.Cut(text, "::"); found {
		text = short
	}
	id, _, _ := strings.Cut(text, ".")
	if len(id) != 2*idSize {
		return "", fmt.Errorf("given token or token id %q is not valid", text)
	}
	return id, client.CoreV1().Secrets(namespace).Delete(ctx, named+id, meta.DeleteOptions{})
}

// CheckBootstrap says why a token opens nothing; nil: it lets an agent join.
func CheckBootstrap(ctx context.Context, client kubernetes.Interface, text string) error {
	parts := form.FindStringSubmatch(text)
	if parts == nil {
		return errors.New("not a bootstrap token")
	}
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, named+parts[1], meta.GetOptions{})
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(secret.Data["token-secret"], []byte(parts[2])) != 1 {
		return errors.New("wrong secret")
	}
	if string(secret.Data["usage-bootstrap-authentication"]) != "true" {
		return errors.New("not for authentication")
	}
	if known := read(secret); !known.Expires.IsZero() && time.Now().After(known.Expires) {
		return errors.New("expired")
	}
	return nil
}

func read(secret *core.Secret) Bootstrap {
	word := func(key string) string { return string(secret.Data[key]) }
	one := Bootstrap{Text: word("token-id") + "." + word("token-secret"), Description: word("description")}
	if groups := word("auth-extra-groups"); groups != "" {
		one.Groups = strings.Split(groups, ",")
	}
	if end, err := time.Parse(time.RFC3339, word("expiration")); err == nil {
		one.Expires = end
	}
	return one
}

// Row is its line in a list.
func (b Bootstrap) Row(now time.Time) string {
	left, end := "<forever>", "<never>"
	if !b.Expires.IsZero() {
		left, end = duration.ShortHumanDuration(b.Expires.Sub(now)), b.Expires.Format(time.RFC3339)
	}
	description, groups := b.Description, strings.Join(b.Groups, ",")
	if description == "" {
		description = "<none>"
	}
	if groups == "" {
		groups = "<none>"
	}
	return strings.Join([]string{b.Text, left, end, "authentication,signing", description, groups}, "\t")
}
