// Prints the nginx.conf that ingress-nginx writes for Ingresses: its own reading of annotations and its own template.
// It is built inside a copy of that module (../fetch.sh), whose packages are internal. Of the controller's own work only
// the merging of hosts and the order of paths are here, in its words; endpoints, certificates and its Lua are not.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	apiv1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"

	"k8s.io/ingress-nginx/internal/ingress/annotations"
	"k8s.io/ingress-nginx/internal/ingress/controller/config"
	"k8s.io/ingress-nginx/internal/ingress/controller/template"
	"k8s.io/ingress-nginx/internal/ingress/defaults"
	"k8s.io/ingress-nginx/internal/ingress/resolver"
	"k8s.io/ingress-nginx/pkg/apis/ingress"
)

type asked struct {
	Template  string               `json:"template"`
	Config    map[string]string    `json:"config"`
	Ingresses []networking.Ingress `json:"ingresses"`
	Port      int                  `json:"port"`
}

// cluster answers for what the controller would look up.
type cluster struct {
	resolver.Mock
	backend defaults.Backend
}

func (c cluster) GetDefaultBackend() defaults.Backend { return c.backend }

func main() {
	var input asked
	if len(os.Args) > 1 { // any argument: does it start?
		return
	}
	must(json.NewDecoder(os.Stdin).Decode(&input))
	cfg := template.ReadConfig(input.Config)
	cfg.DefaultSSLCertificate = &ingress.SSLCert{}
	text, err := template.NewTemplate(input.Template)
	must(err)
	conf, err := text.Write(&config.TemplateConfig{
		Cfg:                 cfg,
		Servers:             serversOf(input.Ingresses, cfg),
		ListenPorts:         &config.ListenPorts{HTTP: input.Port, HTTPS: 1, Health: 1, Default: 1, SSLProxy: 1},
		MaxmindEditionFiles: &[]string{},
		PID:                 "nginx.pid",
	})
	must(err)
	fmt.Print(string(conf))
}

func serversOf(ings []networking.Ingress, cfg config.Configuration) []*ingress.Server {
	extractor := annotations.NewAnnotationExtractor(cluster{backend: cfg.Backend})
	servers := []*ingress.Server{}
	byHost := map[string]*ingress.Server{}
	for i := range ings {
		found, err := extractor.Extract(&ings[i])
		must(err)
		of := &ingress.Ingress{Ingress: ings[i], ParsedAnnotations: found}
		for _, rule := range ings[i].Spec.Rules {
			if byHost[rule.Host] == nil {
				byHost[rule.Host] = &ingress.Server{Hostname: rule.Host}
				servers = append(servers, byHost[rule.Host])
			}
			for j := range rule.HTTP.Paths {
				server := byHost[rule.Host]
				server.Locations = append(server.Locations, locationOf(of, &rule.HTTP.Paths[j]))
			}
		}
	}
	for _, server := range servers {
		longestFirst(server.Locations)
	}
	return servers
}

func longestFirst(all []*ingress.Location) {
	sort.SliceStable(all, func(i, j int) bool { return all[i].Path > all[j].Path })
	sort.SliceStable(all, func(i, j int) bool { return len(all[i].Path) > len(all[j].Path) })
}

func locationOf(ing *ingress.Ingress, path *networking.HTTPIngressPath) *ingress.Location {
	found := ing.ParsedAnnotations
	return &ingress.Location{
		Path:            path.Path,
		PathType:        path.PathType,
		IngressPath:     path.Path,
		Ingress:         ing,
		Backend:         "app",
		Service:         &apiv1.Service{},
		ExternalAuth:    found.ExternalAuth,
		BackendProtocol: found.BackendProtocol,
		Proxy:           found.Proxy,
		Rewrite:         found.Rewrite,
		Denied:          found.Denied,
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
