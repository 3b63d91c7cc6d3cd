/** All classes whose objects are part of a world, each by its name. What is not here refuses to be saved, and says where it was found. */

import { Data } from '../asl/data.ts';
import { StateError } from '../asl/error.ts';
import { Execution } from '../asl/execution.ts';
import { History } from '../asl/history.ts';
import { TaskTokens } from '../asl/tokens.ts';
import { Stacks } from '../cloudformation/stacks.ts';
import { Bound } from '../core/bound.ts';
import { Agenda, VirtualClock } from '../core/clock.ts';
import { Faults } from '../core/faults.ts';
import { Identities } from '../core/iam/identities.ts';
import { Meter } from '../core/meter.ts';
import { Random } from '../core/random.ts';
import { Site } from '../core/site.ts';
import { Throttles } from '../core/throttles.ts';
import { World } from '../core/world.ts';
import { Bundle } from '../runtime/bundle.ts';
import { Alarm } from '../services/cloudwatch/alarm.ts';
import { Level } from '../services/cloudwatch/level.ts';
import { Metric } from '../services/cloudwatch/metric.ts';
import { CloudWatch } from '../services/cloudwatch.ts';
import { Codebuild } from '../services/codebuild/index.ts';
import { DynamoDb } from '../services/dynamodb/index.ts';
import { TableStream } from '../services/dynamodb/stream.ts';
import { Ordering, Table } from '../services/dynamodb/table.ts';
import { Tables } from '../services/dynamodb/tables.ts';
import { Transactions } from '../services/dynamodb/transactions.ts';
import { Ecr } from '../services/ecr/index.ts';
import { Repository } from '../services/ecr/repository.ts';
import { Uploads } from '../services/ecr/uploads.ts';
import { DeploymentAlarms } from '../services/ecs/alarms.ts';
import { Course } from '../services/ecs/course.ts';
import { Deployments } from '../services/ecs/deployments.ts';
import { EcsEvents } from '../services/ecs/events.ts';
import { Hooks } from '../services/ecs/hooks.ts';
import { Host } from '../services/ecs/image.ts';
import { Ecs } from '../services/ecs/index.ts';
import { TaskLives } from '../services/ecs/life.ts';
import { Owner } from '../services/ecs/owner.ts';
import { PlayedContainers } from '../services/ecs/played.ts';
import { Scheduler as EcsScheduler } from '../services/ecs/rolling.ts';
import { TrafficShifting } from '../services/ecs/shifting.ts';
import { Task } from '../services/ecs/task.ts';
import { TaskDefinitions } from '../services/ecs/task-definitions.ts';
import { Traffic } from '../services/ecs/traffic.ts';
import { LoadBalancing } from '../services/elasticloadbalancing/index.ts';
import { Metrics as LoadBalancerMetrics } from '../services/elasticloadbalancing/metrics.ts';
import { TargetGroup } from '../services/elasticloadbalancing/targets.ts';
import { EventBus } from '../services/events/bus.ts';
import { Dispatching } from '../services/events/dispatch.ts';
import { Events } from '../services/events/index.ts';
import { Rule } from '../services/events/rule.ts';
import { Iam } from '../services/iam.ts';
import { AsynchronousInvocations } from '../services/lambda/asynchronous.ts';
import { LambdaFunction } from '../services/lambda/function.ts';
import { Lambda } from '../services/lambda/index.ts';
import { Invocations } from '../services/lambda/invocation.ts';
import { LogPermission } from '../services/lambda/logging.ts';
import { EventSourceMappings } from '../services/lambda/mapping.ts';
import { Pool } from '../services/lambda/pool.ts';
import { QueueReader } from '../services/lambda/queue.ts';
import { StreamReader } from '../services/lambda/stream.ts';
import { FunctionUrls } from '../services/lambda/url.ts';
import { LogStream } from '../services/logs/stream.ts';
import { Logs } from '../services/logs.ts';
import { Scheduler } from '../services/scheduler/index.ts';
import { Schedule } from '../services/scheduler/schedule.ts';
import { Sns } from '../services/sns.ts';
import { Deduplication } from '../services/sqs/fifo.ts';
import { Queue } from '../services/sqs/queue.ts';
import { Sqs } from '../services/sqs.ts';
import { Ssm } from '../services/ssm.ts';
import { Activities } from '../services/states/activity.ts';
import { Follower } from '../services/states/follower.ts';
import { States } from '../services/states/index.ts';
import { Integrations } from '../services/states/integrations.ts';
import { Revision, StateMachine } from '../services/states/machine.ts';
import { RecordedTask, Recording, Running as RunningExecution } from '../services/states/recording.ts';
import { Sts } from '../services/sts.ts';
import { Classes } from './classes.ts';

export const classes = new Classes()
  .add('Activities', Activities)
  .add('Agenda', Agenda)
  .add('Alarm', Alarm)
  .add('AsynchronousInvocations', AsynchronousInvocations)
  .add('Bound', Bound)
  .add('Bundle', Bundle)
  .add('CloudWatch', CloudWatch)
  .add('Codebuild', Codebuild)
  .add('Course', Course)
  .add('Data', Data)
  .add('Deduplication', Deduplication)
  .add('DeploymentAlarms', DeploymentAlarms)
  .add('Deployments', Deployments)
  .add('Dispatching', Dispatching)
  .add('DynamoDb', DynamoDb)
  .add('Ecr', Ecr)
  .add('Ecs', Ecs)
  .add('EcsEvents', EcsEvents)
  .add('EcsScheduler', EcsScheduler)
  .add('EventBus', EventBus)
  .add('EventSourceMappings', EventSourceMappings)
  .add('Events', Events)
  .add('Execution', Execution, { forgets: ['environment', 'machine', 'main', 'ended', 'resolveEnded', 'timer'] })
  .add('Faults', Faults)
  .add('Follower', Follower)
  .add('FunctionUrls', FunctionUrls)
  .add('History', History, { forgets: ['clock', 'past'] })
  .add('Hooks', Hooks)
  .add('Host', Host)
  .add('Iam', Iam)
  .add('Identities', Identities)
  .add('Integrations', Integrations)
  .add('Invocations', Invocations)
  .add('Lambda', Lambda)
  .add('LambdaFunction', LambdaFunction)
  .add('Level', Level)
  .add('LoadBalancerMetrics', LoadBalancerMetrics, { forgets: ['onVisits'] })
  .add('LoadBalancing', LoadBalancing)
  .add('LogPermission', LogPermission)
  .add('LogStream', LogStream)
  .add('Logs', Logs)
  .add('Meter', Meter)
  .add('Metric', Metric)
  .add('Ordering', Ordering)
  .add('Owner', Owner)
  .add('PlayedContainers', PlayedContainers)
  .add('Pool', Pool, { forgets: ['idle'], instead: () => ({ idle: [] }) })
  .add('Queue', Queue, { forgets: ['waiters'], instead: () => ({ waiters: new Map() }) })
  .add('QueueReader', QueueReader)
  .add('Random', Random)
  .add('RecordedTask', RecordedTask)
  .add('Recording', Recording, {
    forgets: ['execution', 'running'],
    instead: () => ({ running: new RunningExecution() }),
    refuses: ({ refusal }) => refusal,
  })
  .add('Repository', Repository)
  .add('Revision', Revision, { forgets: ['machine'] })
  .add('Rule', Rule)
  .add('Schedule', Schedule)
  .add('Scheduler', Scheduler)
  .add('Site', Site)
  .add('Sns', Sns)
  .add('Sqs', Sqs)
  .add('Ssm', Ssm)
  .add('Stacks', Stacks)
  .add('StateError', StateError)
  .add('StateMachine', StateMachine)
  .add('States', States)
  .add('StreamReader', StreamReader)
  .add('Sts', Sts)
  .add('Table', Table)
  .add('TableStream', TableStream, { forgets: ['watchers'], instead: () => ({ watchers: new Set() }) })
  .add('Tables', Tables)
  .add('TargetGroup', TargetGroup)
  .add('Task', Task)
  .add('TaskDefinitions', TaskDefinitions)
  .add('TaskLives', TaskLives)
  .add('TaskTokens', TaskTokens)
  .add('Throttles', Throttles)
  .add('Traffic', Traffic)
  .add('TrafficShifting', TrafficShifting)
  .add('Transactions', Transactions)
  .add('Uploads', Uploads)
  .add('VirtualClock', VirtualClock)
  .add('World', World);
