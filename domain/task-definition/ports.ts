/** The ports of containers that share one network interface (awsvpc). https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html */
import { containersOf, listOf, type Members, type Refuse } from './members.ts';

/** @param web where requests enter, as the configuration says */
export function refusePorts(
  request: Members,
  web: { readonly container: string; readonly port: number } | undefined,
  refuse: Refuse,
): void {
  const owners = new Map<string, string>();
  const names = new Map<string, string>();
  for (const { at, name, portMappings } of containersOf(request))
    for (const [index, mapping] of listOf(portMappings).entries()) {
      const { containerPort, hostPort, containerPortRange, protocol = 'tcp' } = mapping;
      const place = `${at}.portMappings[${index}]`;
      if (containerPort === undefined && containerPortRange === undefined) refuse(place, 'says no `containerPort`');
      if (typeof containerPort === 'number' && (containerPort < 1 || containerPort > 65_535))
        refuse(`${place}.containerPort`, `${containerPort} is no port: 1 to 65535`);
      if (request.networkMode === 'awsvpc' && hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort)
        refuse(
          `${place}.hostPort`,
          `with awsvpc a task has its own address, and the host’s port is the container’s (${String(containerPort)}); leave \`hostPort\` out`,
        );
      const key = `${String(containerPort)}/${String(protocol)}`;
      const other = owners.get(key);
      if (containerPort !== undefined && other !== undefined)
        refuse(
          place,
          other === name
            ? `${name} names port ${key} twice; take one out`
            : `${other} has port ${key} already, and all containers of a task share one network; let ${name} listen on another`,
        );
      owners.set(key, name);
      if (typeof mapping.name === 'string') {
        if (names.has(mapping.name)) refuse(`${place}.name`, `"${mapping.name}" is the name of another port; give each its own`);
        names.set(mapping.name, name);
      }
      if (mapping.appProtocol !== undefined && protocol !== 'tcp')
        refuse(`${place}.appProtocol`, `is of tcp, and this port is ${String(protocol)}; leave it out`);
    }
  if (web) refuseUnheard(request, web, refuse);
}

/** A port of the configuration beside the template's: nobody says that something listens there. */
function refuseUnheard(request: Members, web: { readonly container: string; readonly port: number }, refuse: Refuse): void {
  const container = containersOf(request).find(({ name }) => name === web.container);
  const mappings = listOf(container?.portMappings);
  if (container === undefined || mappings.length === 0) return;
  const ports = mappings.flatMap(({ containerPort, containerPortRange }) => containerPort ?? containerPortRange ?? []);
  const isHeard = ports.some((port) => {
    const [from, to] = String(port).split('-').map(Number);
    return web.port >= (from ?? 0) && web.port <= (to ?? from ?? 0);
  });
  if (!isHeard)
    refuse(
      `${container.at}.portMappings`,
      `${web.container} listens on ${ports.join(', ')} by its template, and \`web.port\` of the configuration sends requests to ${web.port}; name the same port in both`,
    );
}
