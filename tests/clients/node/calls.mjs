// Makes the calls named on the command line with the AWS SDK for JavaScript.
import { readFileSync } from 'node:fs';
import * as proton from '@aws-sdk/client-proton';
import * as catalog from '@aws-sdk/client-service-catalog';

const inputs = JSON.parse(readFileSync(process.env.FERROTAPE_CALLS ?? new URL('../calls.json', import.meta.url), 'utf8'));

const seconds = (date) => Math.floor(date.getTime() / 1000);

const services = {
  proton: {
    client: () => new proton.ProtonClient(),
    command: (input) => new proton.CreateServiceInstanceCommand(input),
    refusal: proton.ValidationException,
    output: ({ serviceInstance: instance }) => ({
      name: instance.name,
      serviceName: instance.serviceName,
      arn: instance.arn,
      spec: instance.spec ?? null,
      deploymentStatus: instance.deploymentStatus,
      createdAt: seconds(instance.createdAt),
    }),
  },
  catalog: {
    client: () => new catalog.ServiceCatalogClient(),
    command: (input) => new catalog.CreateProvisioningArtifactCommand(input),
    refusal: catalog.InvalidParametersException,
    output: ({ ProvisioningArtifactDetail: detail, Info: info, Status: status }) => ({
      id: detail.Id,
      name: detail.Name,
      type: detail.Type,
      active: detail.Active,
      createdTime: seconds(detail.CreatedTime),
      info,
      status,
    }),
  },
};

for (const call of process.argv.slice(2)) {
  const [name, variant] = call.split(':');
  const service = services[name];
  const client = service.client();
  try {
    const answer = await client.send(service.command(inputs[name][variant]));
    console.log(JSON.stringify({ call, attempts: answer.$metadata.attempts, output: service.output(answer) }));
  } catch (error) {
    const told = { code: error.name, message: error.message || error.Message, modelled: error instanceof service.refusal };
    console.log(JSON.stringify({ call, attempts: error.$metadata?.attempts ?? 0, error: told }));
  } finally {
    client.destroy();
  }
}
